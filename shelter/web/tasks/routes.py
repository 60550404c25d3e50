"""Tasks. What one leads to is its own page elsewhere; here it is explained, done and taken back."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter.domain.errors import DomainError
from shelter.domain.permissions import Permission as P
from shelter.domain.tasks import TaskKind, checklist
from shelter.queries import tasks as queries
from shelter.services import tasks as services
from shelter.web.access import requires
from shelter.web.errors import label, show
from shelter.web.language import gettext as _
from shelter.web.once import once_from
from shelter.web.tasks.forms import DoneForm

bp = Blueprint("tasks", __name__, url_prefix="/tasks")


@bp.app_template_filter("task_label")
def _task_label(code: str) -> str:
    return label(TaskKind(code))


@bp.get("")
@requires(P.TASKS_WORK)
def index() -> ResponseReturnValue:
    """Everything that is due, and what was done within a day."""
    return render_template(
        "tasks/index.html", tasks=queries.open_tasks(current_user), done=queries.done_lately(current_user)
    )


@bp.route("/<uuid:task_id>", methods=["GET", "POST"], endpoint="show")
@requires(P.TASKS_WORK)
def show_one(task_id: UUID) -> ResponseReturnValue:
    """What it is about, how to go about it, and that it is done."""
    record = services.open_task(task_id=task_id, by=current_user)
    form = DoneForm(checklist(record.row.kind))
    if form.validate_on_submit():
        try:
            services.complete_task(
                task_id=task_id, note=form.note.data, checks=form.checked(), by=current_user, once=once_from(form)
            )
        except DomainError as refused:
            show(refused, form)
        else:
            flash(_("Done. It can be taken back on the list of tasks."), "success")
            return redirect(url_for("today.show"), code=303)
    page = render_template("tasks/show.html", record=record, work=record.row, form=form)
    return page, 422 if form.errors else 200


@bp.post("/<uuid:task_id>/reopen")
@requires(P.TASKS_WORK)
def reopen(task_id: UUID) -> ResponseReturnValue:
    services.reopen_task(task_id=task_id, by=current_user, once=once_from())
    flash(_("Taken back: the task is open again."), "success")
    return redirect(url_for("tasks.show", task_id=task_id), code=303)
