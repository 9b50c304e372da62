"""Dated tables about the Internet: who holds which addresses, what countries and networks are called.

``load_geo`` (geo.py) reads files of any kind it knows into a CountryRanges; names.py and asnames.py give names. To add
a kind of file that maps addresses to countries: one reader beside delegated.py, one branch in geo.py, tests.
"""
