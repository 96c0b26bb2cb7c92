"""The senders of the outbox: from the journal over a path, again until the receiver's word, and what that word does."""

import asyncio

from box import log
from box.alerts import outbox as module
from box.alerts.outbox import Outbox
from box.core import alert, cbor, cose, mac
from box.core.outbox import PROMPT_MS, RESEND_MS
from box.errors import StorageError, TransportError

BOX = b"\x01\x02\x03\x04\x05\x06\x07\x08"
KEY = bytes(range(32))
UTC = 1800000000

log.now = lambda: 0  # the chip's clock is not there under CPython


class Clock:
    def __init__(self):
        self.ms = 1000
        self.corrected = []

    def now(self):
        return self.ms

    def correct(self, utc):
        self.corrected.append(utc)


class Journal:
    def __init__(self):
        self.kinds = {}
        self.unreadable = set()
        self.charged = set()

    def add(self, kind):
        sequence = len(self.kinds) + 1
        self.kinds[sequence] = kind
        return sequence

    def best(self, exclude):
        ranks = [(alert.strength(self.kinds[n]), n) for n in self.kinds if self.kinds[n] and n not in exclude]
        return max(ranks)[1] if ranks else None

    def kind(self, sequence):
        return self.kinds.get(sequence)

    def load(self, sequence):
        if sequence in self.unreadable:
            self.kinds[sequence] = None
            raise StorageError("alert %d is not in the journal" % sequence)
        return content(sequence)

    def received(self, sequence):
        was = self.kinds.get(sequence) is not None
        if was:
            self.kinds[sequence] = None
        return was

    def in_charge(self, sequence):
        was = sequence in self.kinds and sequence not in self.charged
        self.charged.add(sequence)
        return was


def content(sequence):
    return b"body %d" % sequence, bytes([sequence]) * 64


class Path:
    def __init__(self, name="wifi", connected=True):
        self.name = name
        self.connected = connected
        self.sent = []
        self.hurried = 0
        self.error = None
        self.held = None  # an event that a message waits for

    def hurry(self):
        self.hurried += 1

    async def wait_connected(self):
        while not self.connected:
            await asyncio.sleep(0)

    async def send(self, message):
        body, signature = cose.open_sign1(message)
        sequence = signature[0]
        assert (body, signature) == content(sequence)
        self.sent.append(sequence)
        if self.held:
            await self.held.wait()
        if self.error:
            raise self.error


class Stepped:
    """asyncio whose waits end by the test's clock."""

    def __init__(self, clock):
        self._clock = clock
        self.Event, self.gather, self.TimeoutError = asyncio.Event, asyncio.gather, asyncio.TimeoutError

    async def wait_for_ms(self, awaitable, ms):
        end_ms = self._clock.ms + ms
        task = asyncio.create_task(awaitable)
        while not task.done():
            if self._clock.ms >= end_ms:
                task.cancel()
                raise asyncio.TimeoutError
            await asyncio.sleep(0)


class Scene:
    def __init__(self, *paths):
        self.clock, self.journal = Clock(), Journal()
        self.paths = paths or (Path(),)
        self.told = []
        module.asyncio = Stepped(self.clock)
        rows = tuple([(path, 5000 * number) for number, path in enumerate(self.paths)])
        self.outbox = Outbox(rows, self.journal, (BOX, KEY), self.clock, lambda count: bytes(count))
        self.outbox.listeners = (self,)

    def answered(self, sequence, kind, state):
        self.told.append((sequence, kind, state))

    def issue(self, kind):
        """What the issuer does."""
        sequence = self.journal.add(kind)
        self.outbox.alert(sequence, kind)
        return sequence

    async def pass_ms(self, ms):
        self.clock.ms += ms
        for _ in range(30):
            await asyncio.sleep(0)

    def play(self, story):
        """Run the senders beside the story."""

        async def run():
            senders = asyncio.create_task(self.outbox.run())
            await self.pass_ms(0)
            try:
                await story()
                assert not senders.done(), "a sender ended"
            finally:
                senders.cancel()
                for path in self.paths:  # whoever waits here goes on, and ends
                    path.connected = True
                try:
                    await senders
                except asyncio.CancelledError:
                    pass

        try:
            asyncio.run(run())
        finally:
            module.asyncio = asyncio


def acknowledgement(sequence, state=alert.RECEIVED, utc=UTC, box=BOX, key=KEY, aad=cose.ACK_AAD):
    protected = b"\xa1\x01\x05"
    body = cbor.encode({1: 1, 2: box, 4: sequence, 7: utc, 11: state})
    tag = mac.hmac_sha256(key, cbor.encode(["MAC0", protected, aad, body]))
    return cbor.encode(cbor.Tag(17, [protected, {}, body, tag]))


def test_an_alert_goes_out_once_as_it_stands_in_the_journal():
    scene = Scene()

    async def story():
        scene.issue(alert.HELP)
        await scene.pass_ms(0)
        assert scene.paths[0].sent == [1]
        await scene.pass_ms(RESEND_MS[0] - 1)
        assert scene.paths[0].sent == [1]

    scene.play(story)


def test_what_waits_at_the_start_goes_out_without_a_new_alert():
    scene = Scene()
    scene.journal.add(alert.INFORM)

    async def story():
        assert scene.paths[0].sent == [1]

    scene.play(story)


def test_an_alert_without_an_acknowledgement_is_sent_again_and_again():
    scene = Scene()

    async def story():
        scene.issue(alert.HELP)
        await scene.pass_ms(0)
        for tries in range(1, 8):
            await scene.pass_ms(RESEND_MS[min(tries - 1, len(RESEND_MS) - 1)])
            assert len(scene.paths[0].sent) == tries + 1

    scene.play(story)


def test_two_messages_are_on_their_way_and_a_third_waits():
    scene = Scene()
    path = scene.paths[0]

    async def story():
        path.held = asyncio.Event()
        for kind in (alert.TAMPER, alert.HELP, alert.ALARM):
            scene.issue(kind)
        await scene.pass_ms(0)
        assert path.sent == [3, 2]
        held, path.held = path.held, None
        held.set()
        await scene.pass_ms(0)
        assert path.sent == [3, 2, 1]

    scene.play(story)


def test_a_transport_that_fails_costs_a_back_off_and_no_alert():
    scene = Scene()
    path = scene.paths[0]

    async def story():
        path.error = TransportError("the broker is gone")
        scene.issue(alert.ALARM)
        await scene.pass_ms(0)
        path.error = None
        await scene.pass_ms(RESEND_MS[0])
        assert path.sent == [1, 1]

    scene.play(story)


def test_what_flash_cannot_read_is_left_out_and_the_next_goes_on():
    scene = Scene()

    async def story():
        scene.journal.unreadable.add(1)
        scene.journal.add(alert.ALARM)
        scene.issue(alert.INFORM)
        await scene.pass_ms(0)
        assert scene.paths[0].sent == [2]
        await scene.pass_ms(RESEND_MS[0])
        assert scene.paths[0].sent == [2, 2]

    scene.play(story)


def test_nothing_is_sent_over_a_path_that_is_down_and_all_at_once_when_it_is_up():
    scene = Scene(Path(connected=False))

    async def story():
        scene.issue(alert.INFORM)
        await scene.pass_ms(3 * RESEND_MS[-1])
        assert scene.paths[0].sent == []
        scene.paths[0].connected = True
        await scene.pass_ms(0)
        assert scene.paths[0].sent == [1]

    scene.play(story)


def test_a_sender_makes_a_turn_each_minute_whether_the_path_is_up_or_down():
    for connected in (True, False):
        scene = Scene(Path(connected=connected))

        async def story(scene=scene):
            before = scene.outbox.turns
            for minute in range(1, 4):
                await scene.pass_ms(RESEND_MS[-1])
                assert scene.outbox.turns >= before + minute

        scene.play(story)


def test_a_sender_without_a_path_or_an_alert_rests_for_a_minute():
    for connected in (True, False):
        scene = Scene(Path(connected=connected))

        async def story(scene=scene):
            before = scene.outbox.turns
            for _ in range(3):
                await scene.pass_ms(RESEND_MS[-1] // 3 - 1)
            assert scene.outbox.turns == before
            await scene.pass_ms(3)
            assert scene.outbox.turns == before + 1

        scene.play(story)


def test_a_message_that_is_long_on_its_way_is_not_sent_a_second_time_beside():
    scene = Scene()
    path = scene.paths[0]

    async def story():
        path.held = asyncio.Event()
        scene.issue(alert.ALARM)
        for wait_ms in RESEND_MS:
            await scene.pass_ms(wait_ms)
        assert path.sent == [1]
        path.held.set()
        path.held = None
        await scene.pass_ms(RESEND_MS[-1])
        assert path.sent == [1, 1]

    scene.play(story)


def test_an_alert_that_becomes_unreadable_between_two_tries_is_left_out():
    scene = Scene()

    async def story():
        scene.issue(alert.HELP)
        await scene.pass_ms(0)
        scene.journal.unreadable.add(1)
        await scene.pass_ms(RESEND_MS[0])
        assert scene.paths[0].sent == [1]
        scene.issue(alert.INFORM)
        await scene.pass_ms(0)
        assert scene.paths[0].sent == [1, 2]

    scene.play(story)


def test_one_sender_that_is_stuck_is_not_hidden_by_the_others():
    scene = Scene(Path("wifi"), Path("lte"))

    async def story():
        scene.paths[0].held = asyncio.Event()
        scene.issue(alert.ALARM)
        await scene.pass_ms(0)
        before = scene.outbox.turns
        for _ in range(5):
            await scene.pass_ms(RESEND_MS[-1])
        assert scene.outbox.turns == before

    scene.play(story)


def test_a_press_hurries_every_path_and_nothing_else_does():
    scene = Scene(Path("wifi", connected=False), Path("lte"))
    for kind in (alert.TAMPER, alert.HEARTBEAT, alert.TEST, alert.CANCEL_REQUEST):
        scene.issue(kind)
        assert [path.hurried for path in scene.paths] == [0, 0]
    for count, kind in enumerate((alert.INFORM, alert.HELP, alert.ALARM), 1):
        scene.issue(kind)
        assert [path.hurried for path in scene.paths] == [count, count]


def test_a_new_connection_sends_again_at_once_what_went_over_that_path():
    scene = Scene(Path("wifi"), Path("lte"))
    wifi, lte = scene.paths

    async def story():
        scene.issue(alert.HELP)
        await scene.pass_ms(0)
        scene.outbox.reconnected(1)
        await scene.pass_ms(0)
        assert (wifi.sent, lte.sent) == ([1], [])
        scene.outbox.reconnected(0)
        await scene.pass_ms(0)
        assert (wifi.sent, lte.sent) == ([1, 1], [])

    scene.play(story)


def test_the_second_path_takes_over_when_the_first_gets_no_answer_or_is_down():
    for connected, wait_ms in ((True, 5000), (False, 0)):
        scene = Scene(Path("wifi", connected=connected), Path("lte"))

        async def story(scene=scene, wait_ms=wait_ms):
            scene.issue(alert.HELP)
            await scene.pass_ms(0)
            if wait_ms:
                await scene.pass_ms(wait_ms - 1)
                assert scene.paths[1].sent == []
                await scene.pass_ms(1)
            assert scene.paths[1].sent == [1]

        scene.play(story)


def test_the_receivers_word_ends_the_sending_sets_the_clock_and_is_told():
    scene = Scene()

    async def story():
        scene.issue(alert.HELP)
        await scene.pass_ms(0)
        scene.outbox.acknowledge(acknowledgement(1))
        assert scene.told == [(1, alert.HELP, alert.RECEIVED)]
        assert scene.clock.corrected == [UTC]
        await scene.pass_ms(10 * RESEND_MS[-1])
        assert scene.paths[0].sent == [1]

    scene.play(story)


def test_an_acknowledgement_is_told_once_and_the_person_in_charge_after_it():
    scene = Scene()

    async def story():
        scene.issue(alert.HELP)
        await scene.pass_ms(0)
        for _ in range(2):
            scene.outbox.acknowledge(acknowledgement(1))
        for _ in range(2):
            scene.outbox.acknowledge(acknowledgement(1, alert.IN_CHARGE))
        assert [(sequence, state) for sequence, _, state in scene.told] == [(1, alert.RECEIVED), (1, alert.IN_CHARGE)]
        assert scene.journal.charged == {1}

    scene.play(story)


def test_a_person_in_charge_may_be_the_first_word_and_ends_the_sending_too():
    scene = Scene()

    async def story():
        scene.issue(alert.ALARM)
        await scene.pass_ms(0)
        scene.outbox.acknowledge(acknowledgement(1, alert.IN_CHARGE))
        assert scene.told == [(1, alert.ALARM, alert.IN_CHARGE)]
        await scene.pass_ms(RESEND_MS[0])
        assert scene.paths[0].sent == [1]

    scene.play(story)


def test_an_acknowledgement_that_nobody_listens_to_ends_the_sending_all_the_same():
    scene = Scene()
    outbox = Outbox(((scene.paths[0], 0),), scene.journal, (BOX, KEY), scene.clock, lambda count: bytes(count))
    scene.journal.add(alert.HELP)
    outbox.acknowledge(acknowledgement(1))
    assert scene.journal.best(()) is None
    module.asyncio = asyncio


def test_received_says_nothing_of_a_person():
    scene = Scene()
    scene.journal.add(alert.HELP)
    scene.outbox.acknowledge(acknowledgement(1))
    assert scene.journal.charged == set()
    module.asyncio = asyncio


def test_only_an_answer_within_ten_seconds_of_sending_sets_the_clock():
    for late_ms, corrected in ((PROMPT_MS - 1, [UTC]), (PROMPT_MS, [])):
        scene = Scene()

        async def story(scene=scene, late_ms=late_ms, corrected=corrected):
            scene.issue(alert.HELP)
            await scene.pass_ms(0)
            scene.paths[0].connected = False
            scene.clock.ms += late_ms
            scene.outbox.acknowledge(acknowledgement(1))
            assert scene.clock.corrected == corrected
            assert len(scene.told) == 1

        scene.play(story)


def test_an_acknowledgement_of_what_was_never_sent_sets_no_clock():
    scene = Scene()
    scene.journal.add(alert.HELP)
    scene.outbox.acknowledge(acknowledgement(1))
    assert (scene.told, scene.clock.corrected) == ([(1, alert.HELP, alert.RECEIVED)], [])
    module.asyncio = asyncio


def test_a_forged_foreign_or_broken_acknowledgement_changes_nothing():
    scene = Scene()

    async def story():
        scene.issue(alert.HELP)
        await scene.pass_ms(0)
        right = acknowledgement(1)
        for wrong in (
            acknowledgement(1, key=bytes(32)),
            acknowledgement(1, box=bytes(8)),
            acknowledgement(1, aad=cose.ALERT_AAD),
            right[:-1] + bytes([right[-1] ^ 1]),
            right[:-1],
            b"",
        ):
            scene.outbox.acknowledge(wrong)
        assert (scene.told, scene.clock.corrected) == ([], [])
        await scene.pass_ms(RESEND_MS[0])
        assert scene.paths[0].sent == [1, 1]
        scene.outbox.acknowledge(right)
        assert len(scene.told) == 1

    scene.play(story)


def test_an_answer_makes_room_for_what_waits():
    scene = Scene()

    async def story():
        for _ in range(17):
            scene.issue(alert.HELP)
        await scene.pass_ms(0)
        scene.issue(alert.HEARTBEAT)
        await scene.pass_ms(0)
        assert 18 not in scene.paths[0].sent
        scene.outbox.acknowledge(acknowledgement(17))
        scene.outbox.acknowledge(acknowledgement(16))
        await scene.pass_ms(0)
        assert 18 in scene.paths[0].sent

    scene.play(story)
