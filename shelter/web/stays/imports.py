"""Going live: a running stay recorded by hand, and a list of them from a file (look at it, then bring it in)."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_login import current_user

from shelter.domain.errors import DomainError
from shelter.domain.permissions import Permission as P
from shelter.domain.sheets import Row, Sheet
from shelter.domain.stays_columns import COLUMNS, HEADS, PETS
from shelter.queries import stay_facts, stays
from shelter.queries.stays import UnitChoice
from shelter.services import sheet_drafts, sheet_files, stays_template
from shelter.services.stays_import import StaysResult, import_stays
from shelter.services.units_import import ListRefused
from shelter.web import errors
from shelter.web.access import requires
from shelter.web.downloads import XLSX, download
from shelter.web.language import gettext as _
from shelter.web.once import once_from
from shelter.web.stays import bp, columns
from shelter.web.stays.forms import ConfirmForm, ListForm, RecordForm

PURPOSE = "stays-import"


@bp.route("/import", methods=["GET", "POST"])
@requires(P.STAYS_IMPORT)
def import_list() -> ResponseReturnValue:
    form = ListForm()
    if not form.validate_on_submit():
        return _choose(form), 422 if form.errors else 200
    try:
        _read(form)
    except ListRefused as refused:
        return _choose(form, refused), 422
    except DomainError as refused:
        errors.show(refused, form)
        return _choose(form), 422
    return redirect(url_for("stays.preview_import"), code=303)


def _choose(form: ListForm, refused: ListRefused | None = None) -> str:
    if refused:
        errors.show(refused, form)
    problems = columns.problem_rows(refused.problems if refused else ())
    return render_template("stays/import.html", form=form, problems=problems, columns=columns.rows())


def _read(form: ListForm) -> None:
    sheets = sheet_files.read_sheets(form.file.data.read(sheet_files.MAX_BYTES + 1))
    result = import_stays(sheets=sheets, is_dry_run=True, by=current_user)
    sheet_drafts.keep(purpose=PURPOSE, sheets=sheets, shown=_shown(result), by=current_user)


def _shown(result: StaysResult) -> dict[str, Any]:
    """What the preview says, in the language of the person who looks at it."""
    return {
        "new": len(result.created),
        "same": result.unchanged,
        "reached": result.reached,
        "differences": len(result.differences),
        "ignored": list(result.ignored_headings),
        "skipped": list(result.sheets_not_read),
        "rows": [
            {
                "line": stay.line,
                "rooms": stay.rooms,
                "check_in_on": stay.check_in_on.isoformat(),
                "limit_on": stay.limit_on.isoformat(),
                "days_left": stay.days_left,
                "people": stay.people,
                "pets": stay.pets,
                "remarks": columns.remarks(stay),
            }
            for stay in result.created
        ],
    }


@bp.route("/import/preview", methods=["GET", "POST"])
@requires(P.STAYS_IMPORT)
def preview_import() -> ResponseReturnValue:
    waiting = sheet_drafts.kept(purpose=PURPOSE, by=current_user)
    form = ConfirmForm()
    if waiting is None:
        flash(_("No list is waiting. If you have just confirmed one, it was brought in."), "info")
        return redirect(url_for("stays.import_list"), code=303 if request.method == "POST" else 302)
    if request.method == "GET" or not form.validate_on_submit():
        rows = [{**row, **_days(row)} for row in waiting.shown["rows"]]
        return render_template("stays/import_preview.html", form=form, waiting=waiting, of=waiting.shown, rows=rows)
    if request.form.get("digest") != waiting.digest:
        flash(_("Another list was chosen meanwhile. This is what it would change."), "warning")
        return redirect(url_for("stays.preview_import"), code=303)
    try:
        result = import_stays(sheets=waiting.sheets, by=current_user, once=once_from(form))
    except ListRefused as refused:
        return _choose(ListForm(formdata=None), refused), 422
    sheet_drafts.forget(purpose=PURPOSE, by=current_user)
    for said in columns.summary(result, is_dry_run=False)[:1]:
        flash(said, "success")
    return redirect(url_for("stays.index"), code=303)


def _days(row: dict[str, Any]) -> dict[str, date]:
    return {name: date.fromisoformat(row[name]) for name in ("check_in_on", "limit_on")}


@bp.get("/import/template.xlsx")
@requires(P.STAYS_IMPORT)
def template_workbook() -> Response:
    content = stays_template.as_workbook(
        str(get_locale()),
        sheet_name=_("Stays"),
        guide_name=_("How to fill it in"),
        guide={code: str(words) for code, words in columns.GUIDE.items()},
    )
    return download(content, XLSX, "stays.xlsx")


@bp.get("/import/template.csv")
@requires(P.STAYS_IMPORT)
def template_text() -> Response:
    return download(stays_template.as_csv(str(get_locale())), "text/csv; charset=utf-8", "stays.csv")


@bp.route("/record", methods=["GET", "POST"])
@requires(P.STAYS_IMPORT)
def record() -> ResponseReturnValue:
    """One running stay by hand: the same rules as a list of one."""
    units = {unit.id: unit for unit in stays.unit_choices()}
    people = [(who.login, who.name) for who in stay_facts.coordinators()]
    form = RecordForm(units.values(), people)
    if form.validate_on_submit():
        try:
            result = import_stays(sheets=[_as_sheet(form, units)], by=current_user, once=once_from(form))
        except ListRefused as refused:
            _show_problems(form, refused)
        except DomainError as refused:
            errors.show(refused, form)
        else:
            return _recorded(result)
    page = render_template("stays/record.html", form=form, heads=list(HEADS), pets=list(PETS))
    return page, 422 if form.errors else 200


def _recorded(result: StaysResult) -> ResponseReturnValue:
    if not result.stays:  # a replay
        return redirect(url_for("stays.index"), code=303)
    stay = result.stays[0]
    flash(_("The stay is recorded.") if stay.is_new else _("This stay is here already."), "success")
    for said in columns.remarks(stay) if stay.is_new else ():
        flash(said, "warning")
    return redirect(url_for("stays.show", reference=stay.reference), code=303)


def _as_sheet(form: RecordForm, units: dict[int, UnitChoice]) -> Sheet:
    """The form as a list of one stay: its present room first, then the rooms before."""
    codes = [column.code for column in COLUMNS]
    present: dict[str, Any] = {
        "case": form.case.data or "1",
        **_place(units[form.unit_id.data]),
        "check_in": form.check_in.data,
        "check_in_time": form.check_in_time.data,
        "room_from": form.room_from.data,
        "leave_on": form.leave_on.data,
        "extensions": form.extensions.data,
        "limit_on": form.limit_on.data,
        "responsible": form.responsible.data,
        **{code: form[code].data for code in (*HEADS, *PETS)},
    }
    lines = [present]
    for entry in form.earlier:
        if entry.form.unit_id.data:
            room = _place(units[entry.form.unit_id.data])
            days = {"room_from": entry.form.since.data, "room_until": entry.form.until.data}
            lines.append({"case": present["case"], **room, **days})
    rows = [Row(1, tuple(codes))]
    rows += [Row(n, tuple(_cell(line.get(code)) for code in codes)) for n, line in enumerate(lines, 2)]
    return Sheet(None, tuple(rows))


def _place(unit: UnitChoice) -> dict[str, str]:
    return {"site": unit.site, "room": unit.room, "bed": "" if unit.label == unit.room else unit.label}


def _cell(value: Any) -> str:
    match value:
        case None | "" | 0:
            return ""
        case time():
            return f"{value:%H:%M}"
        case _:
            return str(value)


def _show_problems(form: RecordForm, refused: ListRefused) -> None:
    """Each beside its field; what concerns an earlier room at the top."""
    for problem in refused.problems:
        said = errors.reason(problem)
        name = {"site": "unit_id", "room": "unit_id", "bed": "unit_id"}.get(problem.column or "", problem.column)
        if problem.line == 2 and name in form:
            form[name].errors = [*form[name].errors, said]
        else:
            form.form_errors.append(said)
