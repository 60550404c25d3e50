// A second click on a submit button does nothing; coming back to the page wakes the button up again, and so does
// waiting: an answer that is a file leaves the page as it is.
const LONGEST_MS = 15000;

export function startDoubleClickGuard() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.hasAttribute("data-once") || event.defaultPrevented) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    // aria-busy and not disabled: a disabled button would not be sent with its name
    event.submitter?.setAttribute("aria-busy", "true");
    setTimeout(wake, LONGEST_MS);
  });
  const wake = () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
    }
  };
  window.addEventListener("pageshow", wake);
  document.addEventListener("htmx:finally:request", wake);
}
