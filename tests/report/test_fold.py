import pytest

from reconciler.report.fold import fold


@pytest.mark.parametrize(
    ("line", "folded"),
    [
        ("short", "short"),
        ("one two three four", "one two\n    three\n    four"),
        ("  one two three", "  one two\n     three"),
        ("averyverylongword and", "averyverylongword\n    and"),
        ("", ""),
        ("a\n\nb", "a\n\nb"),
        ("\x1b[31mred red\x1b[0m green", "\x1b[31mred red\x1b[0m\n    green"),
    ],
)
def test_words_stay_whole(line: str, folded: str) -> None:
    assert fold(line, 10) == folded


def test_nothing_is_lost_and_nothing_is_wider_than_the_terminal() -> None:
    words = [f"word{number}" for number in range(50)]
    folded = fold(" ".join(words), 30)
    assert folded.split() == words
    assert max(map(len, folded.split("\n"))) <= 30
