"""What whole paths told of an outage survives the store; documents of earlier versions have none."""

import json
import math

from duskwatch.records.findings import Conclusion
from duskwatch.records.signals import Carrier
from duskwatch.records.transit import Dependence, Entry, OutageTransit, Turn, Withdrawal
from duskwatch.store.outage_json import conclusions_of, to_document
from tests.publication.build import kp

NAN = float("nan")
AROUND = OutageTransit(
    10, 90, 19, None, 4, 4, (Entry(4837, 1.0),), (), (Dependence(4837, 1.0, NAN),), (Carrier(4837, 19, 1.0, 0.5),),
    (Turn("lost", 20, 21, 4837, 0, 64600, 4, 4), Turn("rose", 30, 40, 0, 20485, 0, 0, 0, 0.5)), 3,
    (Withdrawal("rrc00 AS3333 192.0.2.1", None, 20, 21, 4, "3333 4837 131279", "3333 4837 131279"),), 7,
)  # fmt: skip


def test_ways_are_read_as_they_were_written() -> None:
    outage = kp().outages[0]
    document = to_document(outage, None, [Conclusion("bgp", "d/1", (0, 100), outage, around=AROUND)])
    text = json.dumps(document, allow_nan=False)
    (again,) = conclusions_of(json.loads(text))
    assert repr(again.around) == repr(AROUND)  # NaN is NaN in it
    assert again.around is not None
    assert math.isnan(again.around.hegemony[0].after)
    assert again.around.withdrawals[0].turned_us is None


def test_a_document_of_an_earlier_version_has_no_ways() -> None:
    outage = kp().outages[0]
    document = to_document(outage, None, [Conclusion("bgp", "d/1", (0, 100), outage)])
    del document["concluded"][0]["around"]
    (again,) = conclusions_of(document)
    assert again.around is None
