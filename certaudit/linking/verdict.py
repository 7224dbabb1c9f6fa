"""The answer of a report in one sentence, in the words of the person who asked."""

from __future__ import annotations

from certaudit.linking.words import count, day, listing, path_name, trigger_name
from certaudit.model import SEVERITIES, Deployment, Finding, Lineage, Model, RenewalPath, Report

WORST_FIRST = (
    "hidden-renewal-path",
    "no-renewal-path",
    "autorenew-off-blocks-owner",
    "unattended-renewal-impossible",
    "broken-renewal-conf",
    "expired-or-expiring",
    "stale-copy",
    "rival-renewal-paths",
)


def verdict(report: Report) -> str:
    """One sentence: the worst that was found, else that nothing was, else what there is not."""
    model = report.model
    found = {result.rule: result.findings for result in report.results if result.findings}
    rest = sum(len(findings) for findings in found.values())
    order = (*WORST_FIRST, *sorted(set(found) - set(WORST_FIRST)))
    ranked = sorted((-SEVERITIES.index(found[s][0].severity), order.index(s), s) for s in found)
    if not ranked:
        return clean(report)
    worst_slug = ranked[0][2]
    subject = found[worst_slug][0].subject
    for path in model.paths if worst_slug == "hidden-renewal-path" else ():
        if subject in path.hidden_for:
            return hidden(model, path, subject)
    return worst(found[worst_slug][0], rest - 1)


def hidden(model: Model, path: RenewalPath, name: str) -> str:
    """The story: who renews, whose job that was, and what was left stale."""
    lineage = model.lineage(name)
    others = len(path.hidden_for) - 1
    more = f" (and {count(others, 'other')})" if others else ""
    owner = path_name(lineage.owner) if lineage and lineage.owner else "its owner"
    sentence = (
        f"{trigger_name(path.trigger)} renews {name}{more} behind the back of {owner}"
        f"{won(lineage, path)}, and leaves out its distribution"
    )
    return sentence + stale_clause(model, lineage) + "."


def won(lineage: Lineage | None, path: RenewalPath) -> str:
    """How often the logs show the path at work, and when last."""
    made = [g for g in lineage.generations if g.made_by.trigger == path.trigger] if lineage else []
    if not made:
        return ""
    times = "once" if len(made) == 1 else f"{len(made)} times"
    return f" ({times} that the logs show, last on {day(made[-1].written)})"


def stale_clause(model: Model, lineage: Lineage | None) -> str:
    """What the hidden renewal left behind, if anything is stale now."""
    stale = [
        d for d in model.deployments if lineage and d.lineage == lineage.name and d.status == "stale"
    ]
    if not stale or lineage is None:
        return ""
    places = count(len(stale), "copy", "copies")
    return f": {places} still {held(stale)}, the live one is {lineage.live}"


def held(stale: list[Deployment]) -> str:
    """``hold generation 3``, in the number of the places."""
    generations = sorted({d.generation for d in stale if d.generation is not None})
    verb = "holds" if len(stale) == 1 else "hold"
    word = "generation" if len(generations) == 1 else "generations"
    return f"{verb} {word} {listing([str(g) for g in generations])}"


def worst(finding: Finding, rest: int) -> str:
    """A finding as the verdict, with how many more there are."""
    first = finding.message.partition(" ")[0]
    name = "." in first or "/" in first  # stays as it is typed
    text = finding.message if name else finding.message[:1].upper() + finding.message[1:]
    text = text.rstrip(".")
    return f"{text}." if not rest else f"{text} ({count(rest, 'more finding')})."


def clean(report: Report) -> str:
    """Nothing was found: say of what, and how far it could be seen."""
    model = report.model
    open_rules = [result for result in report.results if result.status == "not_assessed" and model.gaps]
    alone = [lineage.name for lineage in model.lineages if not lineage.renewers and not lineage.broken]
    if open_rules and alone:
        which = listing(alone) if len(alone) < 3 else f"{len(alone)} certificates"
        what = f"What renews {which} was not found"
    elif not model.lineages:
        what = "No certbot certificate is managed here"
    elif len(model.lineages) == 1:
        owner = model.lineages[0].owner
        by = f", {path_name(owner)}," if owner else ""
        what = f"{model.lineages[0].name} has one renewer{by} and nothing renews it behind its back"
    else:
        what = f"Nothing renews any of the {len(model.lineages)} certificates behind its owner's back"
    if open_rules:
        return f"{what}, as far as could be seen: {count(len(open_rules), 'question')} stayed open."
    return f"{what}."
