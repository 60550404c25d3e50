// A choice with a further question shows it: `data-reveals` names the part. (The one of govuk-frontend says
// aria-expanded on a radio button, which ARIA does not allow.)
export function startReveals(scope) {
  for (const input of scope.querySelectorAll("input[data-reveals]")) {
    const part = document.getElementById(input.dataset.reveals);
    if (!part) continue;
    const hidden = `govuk-${input.type === "radio" ? "radios" : "checkboxes"}__conditional--hidden`;
    const sync = () => part.classList.toggle(hidden, !input.checked);
    const group = input.type === "radio" ? (input.form ?? document).querySelectorAll(`[name="${CSS.escape(input.name)}"]`) : [input];
    for (const one of group) one.addEventListener("change", sync);
    window.addEventListener("pageshow", sync);
    sync();
  }
}
