"""Tests of training; a package so that file names may repeat elsewhere."""
