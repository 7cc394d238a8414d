"""Faults under load: what was acknowledged is there afterwards, exactly once, whatever was killed, cut or filled."""
