"""Transport streams made packet by packet, for tests of what reads them."""

from actors.transport import PACKET

CLOCK = 27_000_000


def packet(
    pid, counter, *, start=False, clock=None, payload=True, flagged=False, scrambled=0, restarts=False, fill=0xAA,
    data=b"",
):  # fmt: skip
    """One packet (ISO/IEC 13818-1, 2.4.3.2); ``clock`` in ticks of 27 MHz, ``data`` what its payload begins with."""
    head = bytes([0x47, flagged << 7 | start << 6 | pid >> 8, pid & 0xFF])
    field = b""
    if clock is not None or restarts or not payload:
        flags = restarts << 7 | (0x10 if clock is not None else 0)
        base, extension = divmod(clock or 0, 300)
        field = bytes([flags])
        if clock is not None:
            field += (base << 15 | 0x7E00 | extension).to_bytes(6, "big")
        length = len(field) if payload else PACKET - 5
        field = bytes([length]) + field.ljust(length, b"\xff")
    head += bytes([scrambled << 6 | (0x20 if field else 0) | (0x10 if payload else 0) | counter % 16])
    return (head + field + data).ljust(PACKET, bytes([fill]))


def table(pid, counter, content):
    """A packet that holds one section, with its CRC."""
    body = content + bytes(4)
    body = content + crc(body[:-4]).to_bytes(4, "big")
    return packet(pid, counter, start=True, data=b"\0" + body, fill=0xFF)


def association(counter, maps=(0x1000,)):
    """A program association that names maps on these PIDs."""
    entries = b"".join(bytes([0, number + 1, 0xE0 | pid >> 8, pid & 0xFF]) for number, pid in enumerate(maps))
    return table(0, counter, bytes([0, 0xB0, 9 + len(entries), 0, 1, 0xC1, 0, 0]) + entries)


def program(counter, pid=0x1000, streams=((0x1B, 0x100), (0x0F, 0x101))):
    """A program map; its clock is on the first stream."""
    entries = b"".join(bytes([kind, 0xE0 | own >> 8, own & 0xFF, 0xF0, 0]) for kind, own in streams)
    clock = streams[0][1]
    head = bytes([2, 0xB0, 13 + len(entries), 0, 1, 0xC1, 0, 0, 0xE0 | clock >> 8, clock & 0xFF, 0xF0, 0])
    return table(pid, counter, head + entries)


def crc(data):
    """CRC-32 of ISO/IEC 13818-1, annex A."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value


def stream(seconds, *, tables=3, clock=1):
    """A list of packets at 25 Hz, 4 for a picture: video on 0x100, sound on 0x101; how often the rest, in pictures."""
    made, counters = [], dict.fromkeys((0, 0x100, 0x101, 0x1000), 0)

    def add(pid, make, **how):
        made.append(make(pid, counters[pid], **how))
        counters[pid] += 1

    for picture in range(round(seconds * 25)):
        if picture % tables == 0:
            add(0, lambda _, counter: association(counter))
            add(0x1000, lambda _, counter: program(counter))
        add(0x100, packet, start=True, clock=picture * CLOCK // 25 if picture % clock == 0 else None)
        add(0x100, packet, fill=picture % 200)
        add(0x100, packet, fill=picture % 100)
        add(0x101, packet, start=True)
    return made


def hidden(packets, pids, start, end):
    """The packets of :func:`stream`, with those of some PIDs scrambled from one second to another."""
    made, picture = [], -1
    for one in packets:
        pid = (one[1] & 0x1F) << 8 | one[2]
        picture += pid == 0x100 and bool(one[1] & 0x40)
        secret = pid in pids and start <= max(picture, 0) / 25 < end
        made.append(one[:3] + bytes([one[3] | 0xC0]) + one[4:] if secret else one)
    return made
