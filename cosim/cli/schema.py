"""`cosim schema`: print the JSON schema of a specification."""

from __future__ import annotations

import json

import click

from cosim.cli.options import silent_option


@click.command("schema")
@click.argument("kind", type=click.Choice(["tile", "study", "card", "plan", "question"]))
@silent_option
def command(kind: str) -> None:
    """The fields of a TOML file, as a JSON schema.

    Example: cosim schema tile
    """
    click.echo(json.dumps(_schema(kind), indent=2))


def _schema(kind: str) -> dict:
    """The schema of one kind of file; only what is asked for is imported."""
    if kind == "tile":
        from netlists.specs import TileSpec

        return TileSpec.model_json_schema()
    if kind == "study":
        from cosim.loop.study import StudySpec

        return StudySpec.model_json_schema()
    if kind == "plan":
        from cosim.characterize import SamplingPlan

        return SamplingPlan.model_json_schema()
    if kind == "question":
        from cosim.design.question import Question

        return Question.model_json_schema()
    from compact_models import Card

    return Card.model_json_schema()
