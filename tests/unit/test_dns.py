"""box.core.dns against messages written down by hand from RFC 1035, and against anything at all."""

import binascii

from box.core import dns

# alert.example, id 0x1234, recursion desired, one question: A, internet.
QUERY = "1234 0100 0001 0000 0000 0000 05 616c657274 07 6578616d706c65 00 0001 0001"
QUESTION = "05 616c657274 07 6578616d706c65 00 0001 0001"
# A record of the question's name (a pointer to byte 12): internet, 300 s, four bytes.
A_RECORD = "c00c 0001 0001 0000012c 0004"


def unhex(text):
    return binascii.unhexlify(text.replace(" ", ""))


def reply(answers, count=1, flags="8180", question=QUESTION, query_id="1234", questions="0001"):
    return unhex(query_id + flags + questions + "%04x 0000 0000" % count + question + answers)


def decoded(response):
    """(addresses, ttl), or the DnsError's text."""
    try:
        return dns.decode_response(unhex(QUERY), response)
    except dns.DnsError as error:
        return str(error)


def refused(call):
    try:
        call()
    except dns.DnsError:
        return True
    return False


# ---- The question -------------------------------------------------------------


def test_a_query_asks_for_the_a_record_with_recursion():
    assert dns.encode_query("alert.example", 0x1234) == unhex(QUERY)


def test_the_longest_name_fits_and_a_longer_one_is_refused():
    labels = ["a" * 63, "b" * 63, "c" * 63]
    longest = ".".join(labels + ["d" * 61])  # 253 characters, 255 bytes on the wire
    assert len(dns.encode_query(longest, 0)) == 12 + 255 + 4
    assert refused(lambda: dns.encode_query(longest + "d", 0))


def test_what_is_no_name_is_not_asked_for():
    for name in ("", ".", "a..b", ".a", "a.", "a b", "caf\u00e9", "a\x00", "a" * 64, "a/b"):
        assert refused(lambda name=name: dns.encode_query(name, 0)), name


def test_an_address_is_told_from_a_name():
    for host in ("192.0.2.1", "0.0.0.0", "255.255.255.255"):
        assert dns.is_address(host), host
    for host in ("", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.x", "1..2.3", "-1.2.3.4", "1.2.3.0004", "a.example"):
        assert not dns.is_address(host), host


# ---- The answer ---------------------------------------------------------------


def test_the_address_and_its_time_to_live_are_read():
    assert decoded(reply(A_RECORD + "c0000201")) == (["192.0.2.1"], 300)


def test_all_addresses_are_read_and_the_shortest_time_counts():
    second = "c00c 0001 0001 0000000a 0004 c0000202"
    assert decoded(reply(A_RECORD + "c0000201" + second, 2)) == (["192.0.2.1", "192.0.2.2"], 10)


def test_aliases_are_followed_in_any_order():
    # To host.example: a label of its own, then a pointer to "example" in the question.
    alias = "c00c 0005 0001 00000014 0007 04 686f7374 c012"
    address = "04 686f7374 07 6578616d706c65 00 0001 0001 0000012c 0004 c0000207"
    assert decoded(reply(alias + address, 2)) == (["192.0.2.7"], 20)
    assert decoded(reply(address + alias, 2)) == (["192.0.2.7"], 20)


def test_a_pointer_into_the_record_before_is_followed():
    alias = "c00c 0005 0001 00000014 0007 04 686f7374 c012"
    address = "c02b 0001 0001 0000012c 0004 c0000207"  # 0x2b: where the alias's target stands
    assert decoded(reply(alias + address, 2)) == (["192.0.2.7"], 20)


def test_names_are_compared_without_regard_to_case():
    question = "05 414c455254 07 4578616d706c45 00 0001 0001"
    owner = "05 416c657274 07 6578616d706c65 00"
    assert decoded(reply(owner + A_RECORD[5:] + "c0000201", question=question)) == (["192.0.2.1"], 300)


def test_records_of_other_kinds_are_passed_over():
    ipv6 = "c00c 001c 0001 0000012c 0010" + "20" * 16
    other_class = "c00c 0001 0003 0000012c 0004 7f000001"
    response = reply(ipv6 + other_class + A_RECORD + "c0000201", 3)
    assert decoded(response) == (["192.0.2.1"], 300)


def test_an_address_of_another_name_is_not_taken():
    assert decoded(reply("04 6576696c 00" + A_RECORD[5:] + "c0000201")) == "a response without an address"


def test_a_time_to_live_with_the_top_bit_set_is_none():
    assert decoded(reply("c00c 0001 0001 80000000 0004 c0000201")) == (["192.0.2.1"], 0)


def test_what_follows_the_answers_is_not_read():
    assert decoded(reply(A_RECORD + "c0000201" + "ff" * 40)) == (["192.0.2.1"], 300)


def test_a_response_to_another_query_is_none_of_ours():
    good = A_RECORD + "c0000201"
    table = (
        reply(good, query_id="1235"),
        reply(good, flags="0100"),  # a query
        reply(good, flags="9180"),  # another operation
        reply(good, questions="0002"),
        reply(good, question=QUESTION.replace("616c", "626c")),
        reply(good, question=QUESTION[:-9] + "001c 0001"),
        reply(good)[:20],
        reply(good) + bytes(500),
        b"",
    )
    assert dns.is_reply(unhex(QUERY), reply(good))
    for response in table:
        assert not dns.is_reply(unhex(QUERY), response), response
        assert decoded(response) == "a response to another query"


def test_a_servers_refusal_is_put_into_words():
    table = (("8182", "the DNS server failed"), ("8183", "there is no such name"), ("8185", "the DNS server refuses"))
    for flags, words in table:
        assert decoded(reply("", 0, flags)) == words
    assert decoded(reply("", 0, "8189")) == "the DNS server answers with the code 9"
    assert decoded(reply(A_RECORD + "c0000201", flags="8380")) == "a truncated response"


def test_a_response_cut_anywhere_is_refused():
    whole = reply(A_RECORD + "c0000201")
    for length in range(len(whole)):
        assert isinstance(decoded(whole[:length]), str), length


def test_pointers_in_a_circle_or_forwards_are_refused():
    for owner in ("c01f", "c020", "c000", "c00b", "ffff", "01 61 c01f", "c0"):  # the first record is at 0x1f
        assert isinstance(decoded(reply(owner + "0001 0001 0000012c 0004 c0000201")), str), owner


def test_aliases_in_a_circle_end():
    to_itself = "c00c 0005 0001 00000014 0002 c00c"
    assert decoded(reply(to_itself, 1)) == "a response without an address"
    there = "c00c 0005 0001 00000014 0003 0178 00"
    back = "0178 00 0005 0001 00000014 0002 c00c"
    assert decoded(reply(there + back, 2)) == "a response without an address"


def test_records_with_wrong_lengths_are_refused():
    assert decoded(reply("c00c 0001 0001 0000012c 0005 c000020101")) == "an address of 5 bytes"
    assert decoded(reply("c00c 0005 0001 0000012c 0004 c00c 0000")) == "an alias that does not fill its record"
    assert decoded(reply("40" + "61" * 64 + "00" + A_RECORD[5:] + "c0000201")) == "a label that is too long"
    for length in (0x40, 0x80, 0xBF):  # reserved
        assert decoded(reply("%02x 00" % length + A_RECORD[5:] + "c0000201")) == "a label that is too long"
    long_name = ("3f" + "61" * 63) * 4 + "00"
    assert decoded(reply(long_name + A_RECORD[5:] + "c0000201")) == "a label that is too long"


def test_more_records_announced_than_sent_are_refused():
    assert decoded(reply(A_RECORD + "c0000201", 2)) == "a response that ends in a name"
    assert decoded(reply(A_RECORD + "c0000201", 0xFFFF)) == "a response that ends in a name"


# ---- Anything -----------------------------------------------------------------


def case_any_response_gives_addresses_or_a_dns_error(response):
    found = decoded(binascii.unhexlify(response))
    if isinstance(found, str):
        return found
    addresses, ttl_s = found
    assert addresses and 0 <= ttl_s <= 0x7FFFFFFF
    for address in addresses:
        assert dns.is_address(address)
    return [addresses, ttl_s]


def case_a_name_is_asked_for_or_refused(name):
    try:
        query = dns.encode_query(name, 7)
    except dns.DnsError:
        return None
    assert dns.is_reply(query, query[:2] + b"\x80" + query[3:])
    assert len(query) <= 12 + 255 + 4
    return binascii.hexlify(query).decode()
