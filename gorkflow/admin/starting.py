"""Starting runs from a page: the two forms, and what becomes of them when they are sent."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from gorkflow.admin.forms import InputForm, StartForm, input_form
from gorkflow.admin.forms.inputs import MISSING, takes_json_only
from gorkflow.definition.redaction import MASK
from gorkflow.definition.workflow import Workflow
from gorkflow.engine.run import Run
from gorkflow.errors import IdempotencyConflictError, PayloadError, WorkflowError
from gorkflow.settings import get_settings

MODE, JSON = "mode", "json"
OWN = "input"
"""The prefix of a host's own form: its fields may have the names of ours."""


class OwnForm:
    """A form of the host's in place of a generated one.

    Its `get_input()`, or else its `cleaned_data`, is the run's input.
    """

    def __init__(self, form: forms.Form) -> None:
        self.form = form

    def is_valid(self) -> bool:
        """Ask the form."""
        return self.form.is_valid()

    @property
    def value(self) -> Any:
        """The input."""
        read = getattr(self.form, "get_input", None)
        return self.form.cleaned_data if read is None else read()

    def add_errors(self, errors: Any) -> None:
        """Put pydantic's errors at fields of the same name, the others on top."""
        for error in errors:
            path = [str(part) for part in error["loc"]]
            if path and path[0] in self.form.fields:
                self.form.add_error(path[0], error["msg"])
            else:
                self.form.add_error(None, f"{'.'.join(path)}: {error['msg']}")

    def layout(self) -> Iterator[dict[str, Any]]:
        """Give the fields in order."""
        return ({"field": field} for field in self.form)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.form, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The input of an earlier run."""

    shown: Any
    """With its secrets masked."""
    stored: Any


NOTHING_GIVEN = Given(shown=MISSING, stored=MISSING)


class Sheet:
    """The page's forms for one request.

    Args:
        request: the request; a POST fills the forms.
        workflow: what is started.
        options: the form beside the input's.
        given: the input to begin with.

    """

    def __init__(
        self,
        request: HttpRequest,
        workflow: Workflow[Any, Any],
        options: type[Any] = StartForm,
        given: Given = NOTHING_GIVEN,
    ) -> None:
        self.workflow = workflow
        self._given = given
        self.as_json = request.GET.get(MODE) == JSON
        data = request.POST if request.method == "POST" else None
        self.options = options(data)
        own = get_settings().start_forms.get(workflow.id)
        schema = workflow.input_schema()
        generated = input_form(schema, as_json=self.as_json)
        self.has_choice = own is not None or not takes_json_only(input_form(schema))
        self.input: InputForm | OwnForm
        if own is not None and not self.as_json:
            initial = None if given.shown is MISSING else given.shown
            self.input = OwnForm(import_string(own)(data, initial=initial, prefix=OWN))
        else:
            self.input = generated(data, value=given.shown)

    def is_valid(self) -> bool:
        """Check both forms, so that all that is wrong is said at once."""
        return all([self.options.is_valid(), self.input.is_valid()])

    def value(self) -> Any:
        """Return the input. Raises PayloadError."""
        codec = self.workflow.input_codec
        # As JSON, not as Python values: a strict type takes a date as text in JSON only.
        found = self.input
        text = codec.dump(found.value) if isinstance(found, OwnForm) else found.json
        if self._given.stored is not MISSING:
            value = unmasked(json.loads(text), self._given.shown, self._given.stored)
            text = json.dumps(value)
        return codec.load(text)

    def send(self, act: Callable[[Any], Run[Any]]) -> Run[Any] | None:
        """Do it with the input; what is wrong goes to its field, and None is returned."""
        try:
            return act(self.value())
        except PayloadError as error:
            self._blame(error)
        except IdempotencyConflictError:
            self._renew_token()
            text = _("This form was sent before with another input. Send it again to start a run.")
            self.options.add_error(None, text)
        except WorkflowError as error:
            self.options.add_error(None, error.message)
        return None

    def _blame(self, error: PayloadError) -> None:
        if not error.errors:
            self.options.add_error(None, error.message)
            return
        fields = self.options.fields
        of_options = [each for each in error.errors if each["loc"] and each["loc"][0] in fields]
        for each in of_options:
            self.options.add_error(str(each["loc"][0]), each["msg"])
        if not of_options:
            self.input.add_errors(error.errors)

    def _renew_token(self) -> None:
        data = cast("Any", self.options.data).copy()
        data["token"] = str(uuid.uuid4())
        self.options.data = data


def unmasked(edited: Any, shown: Any, stored: Any) -> Any:
    """Return what was edited, with the stored values where a mask was left alone."""
    if edited == MASK and shown == MASK:
        return stored
    if isinstance(edited, dict) and isinstance(shown, dict) and isinstance(stored, dict):
        return {
            name: unmasked(value, shown.get(name), stored.get(name))
            for name, value in edited.items()
        }
    if isinstance(edited, list) and isinstance(shown, list) and isinstance(stored, list):
        known = len(shown)
        return [
            unmasked(value, shown[place], stored[place]) if place < known else value
            for place, value in enumerate(edited)
        ]
    return edited
