// <form data-autosave="/drafts/…">: what is typed is kept on the server a moment after the last key.
const QUIET_MS = 1200;

export function startAutosave() {
  for (const form of document.querySelectorAll("form[data-autosave]")) watch(form);
}

function watch(form) {
  const status = form.querySelector("[data-autosave-status]");
  let timer = 0;
  let saving = null;
  let isLeaving = false;

  const save = () => {
    clearTimeout(timer);
    saving?.abort();
    saving = new AbortController();
    const options = { method: "POST", body: new FormData(form), redirect: "manual", signal: saving.signal };
    return fetch(form.dataset.autosave, { ...options, headers: { "HX-Request": "true" } })
      .then((answer) => { if (answer.ok && status) status.textContent = `${status.dataset.text} ${now()}`; })
      .catch(() => {}); // the next key tries again
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(save, QUIET_MS);
  });
  form.addEventListener("submit", () => {
    isLeaving = true;
    clearTimeout(timer);
    saving?.abort();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && !isLeaving && timer) save();
  });
}

function now() {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }).format(new Date());
}
