"""Forms made from the JSON Schema of a workflow's input."""

from gorkflow.admin.forms.inputs import InputForm, input_form
from gorkflow.admin.forms.options import StartForm

__all__ = ["InputForm", "StartForm", "input_form"]
