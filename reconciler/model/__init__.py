"""Frozen values of the domain. Imports nothing but the standard library; everything else imports it."""
