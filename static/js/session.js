// Warns before the session ends for lack of human input, and covers the page when it has ended.
const WARN_BEFORE_MS = 2 * 60 * 1000;
const ALIVE_EVERY_MS = 60 * 1000;
const INPUT = ["keydown", "pointerdown", "input"];

export function startSession() {
  const { idleMinutes, alive } = document.body.dataset;
  const warning = document.querySelector("[data-session-warning]");
  const over = document.querySelector("[data-session-over]");
  if (!idleMinutes || !warning || !over) return;
  const idle = Number(idleMinutes) * 60 * 1000;
  const warnAfter = Math.max(idle - WARN_BEFORE_MS, idle / 2);
  const left = warning.querySelector("[data-session-left]");
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel("session") : null;
  let lastInput = Date.now();
  let lastTold = Date.now();

  const note = () => {
    if (over.open || warning.open) return;
    lastInput = Date.now();
    if (lastInput - lastTold > ALIVE_EVERY_MS) tell();
  };
  const tell = async () => {
    lastTold = Date.now();
    tabs?.postMessage(lastTold);
    const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
    try {
      const answer = await fetch(alive, { method: "POST", redirect: "manual", headers: { "X-CSRFToken": token, "HX-Request": "true" } });
      if (answer.status === 401 || answer.type === "opaqueredirect") end();
    } catch {
      // no network: the server decides when it is reached again
    }
  };
  const stay = () => {
    lastInput = Date.now();
    if (warning.open) warning.close();
  };
  const end = () => {
    if (warning.open) warning.close();
    if (over.open) return;
    askAgain(over, () => { over.close(); lastInput = lastTold = Date.now(); });
    over.showModal();
  };
  const look = () => {
    const still = lastInput + idle - Date.now();
    if (still <= 0) return end();
    if (still > idle - warnAfter) return stayClosed();
    if (!warning.open && !over.open) warning.showModal();
    if (left) left.textContent = clock(still);
  };
  const stayClosed = () => warning.open && warning.close();

  for (const kind of INPUT) document.addEventListener(kind, note, { capture: true, passive: true });
  tabs?.addEventListener("message", (event) => { lastInput = Math.max(lastInput, event.data); });
  warning.querySelector("[data-session-stay]")?.addEventListener("click", () => { stay(); tell(); });
  warning.addEventListener("cancel", () => { stay(); tell(); });
  over.addEventListener("cancel", (event) => event.preventDefault());
  document.addEventListener("visibilitychange", () => document.hidden || look());
  setInterval(look, 1000);
}

// The form exists only while it is needed: a password field on every page would wake every password manager.
function askAgain(over, goOn) {
  over.querySelector("form")?.remove();
  over.append(over.querySelector("template").content.cloneNode(true));
  const form = over.querySelector("form");
  const refused = form.querySelector("[data-refused]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } }).catch(() => null);
    if (answer?.ok) {
      const elsewhere = answer.headers.get("HX-Redirect");
      if (elsewhere) return location.assign(elsewhere);
      form.remove();
      return goOn();
    }
    refused.hidden = false;
    refused.textContent = answer ? await answer.text() : "…";
    form.querySelector("[name=password]").value = "";
  });
}

function clock(ms) {
  const seconds = Math.ceil(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
