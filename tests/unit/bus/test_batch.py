"""What a message is sent with so that it is stored together with others."""

from __future__ import annotations

from gearmesh.bus.batch import batch_headers

ID = "Nats-Msg-Id"


def test_given_a_message_in_a_batch_then_its_headers_say_which_and_where_and_keep_its_own() -> None:
    assert batch_headers({ID: "one"}, "b", 1) == {ID: "one", "Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1"}
    assert batch_headers(None, "b", 7) == {"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "7"}


def test_given_the_last_of_a_batch_then_it_ends_it() -> None:
    assert batch_headers({}, "b", 2, is_last=True) == {
        "Nats-Batch-Id": "b",
        "Nats-Batch-Sequence": "2",
        "Nats-Batch-Commit": "1",
    }


def test_given_a_batch_that_goes_again_then_the_headers_of_its_messages_are_as_they_were() -> None:
    own = {ID: "one"}

    batch_headers(own, "b", 1, is_last=True)

    assert own == {ID: "one"}
