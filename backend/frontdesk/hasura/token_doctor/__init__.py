"""The token doctor: will Hasura take this token, why not, and what is to be changed.

`diagnose` decides, and knows neither clock nor network; `engine_with` and `running_engine` say what there is to know
of a Hasura.
"""

from frontdesk.hasura.token_doctor.diagnosis import Diagnosis, Finding, Level, Refusal, Verdict, shown
from frontdesk.hasura.token_doctor.engine_answer import compared, explained, refusal_in
from frontdesk.hasura.token_doctor.engines import engine_with, running_engine
from frontdesk.hasura.token_doctor.examination import Engine, Unseen, claims_of, diagnose, token_in
from frontdesk.hasura.token_doctor.keys import KeySet, VerificationKey, keys_of_secret, keys_of_set

__all__ = [
    "Diagnosis",
    "Engine",
    "Finding",
    "KeySet",
    "Level",
    "Refusal",
    "Unseen",
    "Verdict",
    "VerificationKey",
    "claims_of",
    "compared",
    "diagnose",
    "engine_with",
    "explained",
    "keys_of_secret",
    "keys_of_set",
    "refusal_in",
    "running_engine",
    "shown",
    "token_in",
]
