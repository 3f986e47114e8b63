"""What a node has otherwise, in words."""

from collections.abc import Mapping, Sequence

from bakery.delivery.drift import Difference, Kind
from bakery.delivery.node_drift import NodeDrift
from bakery.web.views.nodes import DriftRow, NodeDriftPage
from bakery.web.views.shell import Tab

_KINDS: Mapping[Kind, str] = {
    Kind.SITE: "Site",
    Kind.NGINX: "nginx",
    Kind.UNIT: "Program",
    Kind.CONTAINER: "Container",
    Kind.CERTIFICATE: "Certificate",
}


def drift_page(node: str, drift: NodeDrift, *, tabs: Sequence[Tab], trouble: str, problem: str) -> NodeDriftPage:
    at_once = sum(one.is_repairable and not one.is_doubtful for one in drift.differences)
    return NodeDriftPage(
        node,
        tabs,
        rows=[_row(one) for one in drift.differences],
        looked_at=drift.looked_at,
        at_once=at_once,
        notes=drift.notes,
        trouble=trouble,
        problem=problem,
    )


def _row(one: Difference) -> DriftRow:
    return DriftRow(
        key=one.key,
        kind=_KINDS[one.kind],
        name=one.name,
        app=one.app,
        path=one.path,
        said=one.said,
        how=one.how,
        is_repairable=one.is_repairable,
        diff=one.diff,
    )
