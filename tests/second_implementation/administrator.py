"""An administrator's commands, as ``docs/protocol/administrators.md`` has them."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import urllib3

from second_implementation import http_signatures
from second_implementation.client import Refused, Trust
from second_implementation.encoding import unpack
from second_implementation.keys import signing_public


class Administrator:
    """A person with a key, at one authority's server. The root key is pinned at the first call."""

    def __init__(self, server_url: str, signed_authority: str, code: str, seed: bytes) -> None:
        self._http = urllib3.PoolManager(retries=False)
        self._url, self._signed_authority, self._code = server_url, signed_authority, code
        self._seed = seed
        self._counter = time.time_ns() // 1_000_000
        told = self._call("authority/trust", {"reason": "routine"}, answer_key=None)
        root_key = bytes.fromhex(told["root_key"])
        self.fingerprint = hashlib.sha256(root_key).hexdigest()[:32]
        trust = Trust.read(unpack(bytes.fromhex(told["trust"])), root_key, code)
        self._answer_key = trust.answer_key

    def call(self, command: str, *, reason: str = "routine", **fields: Any) -> dict[str, Any]:
        """Have a command carried out; what it answers, verified."""
        return self._call(command, {**fields, "reason": reason}, answer_key=self._answer_key)

    def _call(
        self, command: str, fields: dict[str, Any], *, answer_key: bytes | None
    ) -> dict[str, Any]:
        path, body = f"/v1/admin/{self._code}/{command}", json.dumps(fields).encode()
        self._counter += 1
        signed = http_signatures.sign_request(
            self._seed,
            key_id=f"{self._code}/administrator/{signing_public(self._seed).hex()}",
            method="POST",
            authority=self._signed_authority,
            path=path,
            query="",
            body=body,
            counter=self._counter,
            created=int(time.time()),
        )
        headers = {"Content-Type": "application/json", **signed}
        answer = self._http.request(
            "POST", self._url + path, body=body, headers=headers, redirect=False
        )
        told: dict[str, Any] = json.loads(answer.data)
        if answer_key is None and answer.status == 200:
            trust = unpack(bytes.fromhex(told["trust"]))
            answer_key = Trust.read(trust, bytes.fromhex(told["root_key"]), self._code).answer_key
        if answer_key is not None:
            http_signatures.verify_answer(
                {name.lower(): value for name, value in answer.headers.items()},
                status=answer.status,
                body=answer.data,
                request_signature=signed["signature"],
                key_id=f"{self._code}/answer",
                public_key=answer_key,
            )
        if answer.status != 200:
            raise Refused(told)
        return told
