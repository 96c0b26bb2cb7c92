"""Why a connection failed, in words: what the chip raises, which is not what the unix port does."""

import errno

from box.transports.tls import explain

_NEVER = 9999


def test_the_sockets_number_means_the_same_with_its_sign_turned():
    for number in (errno.ECONNABORTED, errno.ECONNRESET, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTUNREACH):
        assert explain(OSError(-number)) == explain(OSError(number))
        assert "%d" % number not in explain(OSError(number))


def test_memory_that_is_gone_is_no_fault_of_the_other_side():
    for number in (errno.ENOMEM, -errno.ENOMEM, -0x7F00):
        assert "no memory" in explain(OSError(number))


def test_what_mbed_tls_complains_of_is_the_other_sides_doing():
    assert "does not speak TLS" in explain(OSError(-0x7200))
    assert explain(OSError(-0x7280)) == "the other side closed the connection"


def test_an_unknown_number_is_told_as_it_came():
    assert str(_NEVER) in explain(OSError(_NEVER))
    assert "Wifi Not Started" in explain(OSError("Wifi Not Started"))
    assert "-258" in explain(OSError(-258, "ESP_ERR_INVALID_ARG"))
