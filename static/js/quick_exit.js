// Leaves at once: the screen goes white, the session is ended by a beacon, the page is replaced in the history.
const PRESSES = 3;
const WITHIN_MS = 5000;

export function startQuickExit() {
  const link = document.querySelector("[data-quick-exit]");
  if (!link) return;
  let presses = [];
  let isAlone = true;

  link.addEventListener("click", (event) => {
    event.preventDefault();
    leave(link);
  });
  // Shift counts only when pressed alone: who types capitals does not leave.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Shift") isAlone = !event.repeat || isAlone;
    else { isAlone = false; presses = []; }
  });
  document.addEventListener("keyup", (event) => {
    if (event.key !== "Shift") return;
    if (isAlone) {
      const now = performance.now();
      presses = [...presses.filter((then) => now - then < WITHIN_MS), now];
      if (presses.length >= PRESSES) leave(link);
    }
    isAlone = true;
  });
  window.addEventListener("pageshow", (event) => {
    presses = [];
    if (event.persisted) location.reload();
  });
}

function leave(link) {
  document.documentElement.classList.add("app-leaving");
  document.title = "";
  navigator.sendBeacon(link.href);
  location.replace(link.dataset.quickExit);
}
