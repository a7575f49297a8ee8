"""Parsers of CSV, JSON, XML and ZIP that keep line numbers and stay within limits. Pure."""
