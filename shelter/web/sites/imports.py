"""A list of units from a file: choose it, look at what would happen, bring it in."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_login import current_user

from shelter.domain.permissions import Permission as P
from shelter.domain.sheets import Problem
from shelter.services import sheet_files, units_preview, units_template
from shelter.services.units_import import ListRefused, import_units
from shelter.web.access import requires
from shelter.web.downloads import XLSX, download
from shelter.web.language import gettext as _
from shelter.web.once import once_from
from shelter.web.sites import bp, columns
from shelter.web.sites.acts import is_done
from shelter.web.sites.forms import ConfirmForm, ListForm


@bp.route("/import", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def import_list() -> ResponseReturnValue:
    form = ListForm()
    if request.method == "GET":
        return _choose(form)
    problems: list[Problem] = []
    if not is_done(form, lambda: _read(form, problems)):
        return _choose(form, problems), 422
    return redirect(url_for("sites.preview_import"), code=303)


def _choose(form: ListForm, problems: Sequence[Problem] = ()) -> str:
    return render_template(
        "sites/import.html", form=form, problems=columns.problem_rows(problems), columns=columns.rows()
    )


def _read(form: ListForm, problems: list[Problem]) -> None:
    content = form.file.data.read(sheet_files.MAX_BYTES + 1)
    sheets = sheet_files.read_sheets(content)
    try:
        result = import_units(sheets=sheets, is_dry_run=True, by=current_user)
    except ListRefused as refused:
        problems += refused.problems
        raise
    units_preview.keep(sheets=sheets, result=result, by=current_user)


@bp.route("/import/preview", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def preview_import() -> ResponseReturnValue:
    waiting = units_preview.kept(by=current_user)
    form = ConfirmForm()
    if waiting is None:
        flash(_("No list is waiting. If you have just confirmed one, it was brought in."), "info")
        return redirect(url_for("sites.import_list"), code=303 if request.method == "POST" else 302)
    if request.method == "GET" or not form.validate_on_submit():
        return _preview(form, waiting)
    if request.form.get("digest") != waiting.digest:
        flash(_("Another list was chosen meanwhile. This is what it would change."), "warning")
        return redirect(url_for("sites.preview_import"), code=303)
    try:
        result = import_units(sheets=waiting.sheets, by=current_user, once=once_from(form))
    except ListRefused as refused:
        return _choose(ListForm(formdata=None), refused.problems), 422
    units_preview.forget(by=current_user)
    flash(_("Brought in. %(counts)s.", counts=columns.counts(result)), "success")
    return redirect(url_for("sites.index"), code=303)


def _preview(form: ConfirmForm, waiting: units_preview.Preview) -> str:
    return render_template(
        "sites/import_preview.html", form=form, waiting=waiting, fields=columns.field_names, of=waiting.result
    )


@bp.get("/import/template.xlsx")
@requires(P.SITES_MANAGE)
def template_workbook() -> Response:
    content = units_template.as_workbook(
        str(get_locale()),
        sheet_name=_("Units"),
        guide_name=_("How to fill it in"),
        guide={code: str(words) for code, words in columns.GUIDE.items()},
    )
    return download(content, XLSX, "units.xlsx")


@bp.get("/import/template.csv")
@requires(P.SITES_MANAGE)
def template_text() -> Response:
    return download(units_template.as_csv(str(get_locale())), "text/csv; charset=utf-8", "units.csv")
