from bakery.delivery.last_words import headline, last_line_of


def test_a_headline_quotes_the_command_and_the_last_line_of_it() -> None:
    assert headline("The tests", "ended with status 1", ("npm", "test"), "2 failed") == (
        "The tests ended with status 1: `npm test` last said “2 failed”."
    )
    assert headline("The build", "ended with status 1", (), "no such stage") == (
        "The build ended with status 1: it last said “no such stage”."
    )


def test_a_command_that_said_nothing_is_named() -> None:
    assert last_line_of("▸ Run the project's tests\n$ false\n") == ""
    assert headline("The tests", "ended with status 1", ("false",), "") == (
        "The tests ended with status 1: `false` said nothing."
    )


def test_the_last_line_is_one_of_the_command_without_its_colours() -> None:
    assert last_line_of("earlier\n$ npm test\n\x1b[31m2 failed\x1b[0m\n\n  \n") == "2 failed"


def test_a_note_of_ours_at_the_end_of_a_build_is_not_what_it_said() -> None:
    assert last_line_of("ERROR: no such stage\n[Bakery: this machine does not keep all limits of a build.]\n") == (
        "ERROR: no such stage"
    )
