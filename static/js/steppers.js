// The − and + beside a number.
export function startSteppers(scope) {
  for (const control of scope.querySelectorAll("[data-stepper]")) {
    const input = control.querySelector("input");
    for (const button of control.querySelectorAll("[data-step]")) {
      if (!button.hidden) continue;
      button.hidden = false;
      button.addEventListener("click", () => {
        if (Number(button.dataset.step) > 0) input.stepUp();
        else input.stepDown();
        for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
      });
    }
  }
}
