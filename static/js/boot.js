// Enhancement only: every page works without this file. The modules beside it are found under the same hash.
import { initAll } from "../vendor/govuk-frontend/govuk-frontend.js";
import { startAutosave } from "./autosave.js";
import { startDoubleClickGuard } from "./double_click.js";
import { startQuickExit } from "./quick_exit.js";
import { startReveals } from "./reveal.js";
import { startSession } from "./session.js";
import { startSteppers } from "./steppers.js";

startQuickExit();
document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();
startSession();
startDoubleClickGuard();
startAutosave();
startSteppers(document);
startReveals(document);

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

document.addEventListener("htmx:after:swap", (event) => {
  const target = event.detail.ctx.target;
  const scope = document.getElementById(target.id) ?? target; // an outer swap leaves the old one behind
  initAll({ scope });
  startSteppers(scope);
  startReveals(scope);
});
