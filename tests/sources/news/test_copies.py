"""Which articles are copies: by sentences, near or word for word."""

from duskwatch.records.claim import Article
from duskwatch.sources.news.copies import one_origin, shared_sentences

A = (
    "Some services have been restored in Gabon after a long outage of the internet."
    " Officials would not comment on reports of a cyber-attack. The capital was calm on"
    " Tuesday evening."
)
B = (
    "Libreville was busy. Some services have been restored in Gabon after a long outage"
    " of the internet. Officials would not comment on the reports of a cyber-attack at"
    " all."
)
C = "The price of cocoa rose again on Tuesday while traders waited for news about the harvest in the south."


def articles(*texts: str) -> list[Article]:
    return [Article(f"{number}", text) for number, text in enumerate(texts)]


def test_a_sentence_word_for_word_is_found():
    shared = shared_sentences(articles(A, B, C))
    assert list(shared) == [(0, 1)]
    assert shared[0, 1][0] == "Some services have been restored in Gabon after a long outage of the internet."


def test_a_sentence_with_a_few_words_more_is_near_enough():
    changed = A.replace("after a long outage of the internet", "after a long outage of the internet service there")
    assert len(shared_sentences(articles(A, changed))[0, 1]) == 3


def test_articles_that_share_nothing_are_not_joined():
    assert shared_sentences(articles(A, C)) == {}


def test_one_sentence_of_a_long_article_is_no_origin():
    quoted = "The regulator said that all of the operators had restored their services by the evening."
    first, second = quoted + " " + C, quoted + " " + A
    pair = articles(first, second)
    assert not one_origin((quoted,), pair, (0, 1))
    assert one_origin((quoted,), articles(quoted, second), (0, 1))


def test_a_hundred_copies_cost_one_chain():
    many = articles(*[A] * 100)
    shared = shared_sentences(many)
    assert set(shared) == {(0, number) for number in range(1, 100)}
