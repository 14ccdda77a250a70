"""The files of vectors, one for each topic."""

from vectors.topics import (
    boxes,
    clock,
    derivations,
    digest,
    distribution,
    encoding,
    enquiries,
    fields,
    hpke,
    http_signatures,
    invitations,
    journal,
    leases,
    merge,
    messages,
    names,
    orders,
    partitions,
    problems,
    search,
    signing,
    views,
)

TOPICS = tuple(
    module.TOPIC
    for module in (
        encoding,
        names,
        messages,
        signing,
        derivations,
        hpke,
        http_signatures,
        problems,
        invitations,
        leases,
        clock,
        distribution,
        partitions,
        digest,
        views,
        search,
        fields,
        merge,
        boxes,
        journal,
        enquiries,
        orders,
    )
)
