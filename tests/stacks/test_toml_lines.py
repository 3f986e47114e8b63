from bakery.stacks.toml_lines import lines_of_keys

TEXT = '''\
# a = 1
top = "x = 1"
[one]   # [zero]
a = """
[no]
b = 1
"""
b = [ # list
  "c = 1",
  { inner = 1, deep = { x = 2 } },
]
c.d = 1.5
"quoted key" = 'it = 2'
  [ one.two ]
  e = { f = [1, 2], g = "}" }
[[list]]
h = 1
[[list]]
h = 2
[last]'''


def test_every_key_has_the_line_where_it_is_written() -> None:
    assert lines_of_keys(TEXT) == {
        ("top",): 2,
        ("one",): 3,
        ("one", "a"): 4,
        ("one", "b"): 8,
        ("one", "b", "inner"): 10,
        ("one", "b", "deep"): 10,
        ("one", "b", "deep", "x"): 10,
        ("one", "c"): 12,
        ("one", "c", "d"): 12,
        ("one", "quoted key"): 13,
        ("one", "two"): 14,
        ("one", "two", "e"): 15,
        ("one", "two", "e", "f"): 15,
        ("one", "two", "e", "g"): 15,
        ("list",): 16,
        ("list", "h"): 17,
        ("last",): 20,
    }
