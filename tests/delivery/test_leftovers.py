"""What lies on a node and nobody needs."""

from bakery.delivery.leftovers import DAY, HOUR, MOST_OF_SOURCE, MOST_OF_TOOLS, Kind, Known, Rows, left_over, strangers
from bakery.model.names import Colour
from bakery.model.runtimes import Runtime
from bakery.nodes.disk import BuildCache, Found, FoundHome, FoundImage, FoundJob, FoundUpload
from bakery.nodes.jobs import JobState

KEY, OTHER = f"j{'1' * 24}", f"j{'2' * 24}"
ARCHIVE = f"{'a' * 32}.tar.gz"
SHOP = ("shop", "production")


def of_shop(runtime: Runtime = Runtime.PROCESS, *, is_busy: bool = False) -> Known:
    return Known(7, runtime, is_busy, used=(Colour.GREEN,), releases=(3, 4))


def what_goes(found: Found, rows: Rows, *, is_scarce: bool = False) -> list[tuple[Kind, str]]:
    return [(one.kind, one.name) for one in left_over(found, rows, is_scarce=is_scarce)]


def test_of_an_environment_go_releases_that_nobody_needs_and_what_runs_in_a_free_slot() -> None:
    found = Found(
        homes=(FoundHome("shop", "production", 1, {1: 10, 3: 20, 4: 30}),),
        programs=("bakery-shop-production-blue", "bakery-shop-production-green-worker-2"),
        containers=("bakery-shop-production-blue-web",),
        sites=("shop-production",),
    )
    gone = left_over(found, Rows({SHOP: of_shop()}))
    assert [(one.kind, one.name, one.bytes, one.environment) for one in gone] == [
        (Kind.PROGRAM, "bakery-shop-production-blue", 0, 7),
        (Kind.CONTAINER, "bakery-shop-production-blue-web", 0, 7),
        (Kind.RELEASE, "shop #1", 10, 7),
    ]


def test_while_it_is_deployed_or_deleted_nothing_of_it_goes() -> None:
    found = Found(
        homes=(FoundHome("shop", "production", 1, {1: 10}, MOST_OF_TOOLS + 1, MOST_OF_SOURCE + 1),),
        programs=("bakery-shop-production-blue",),
    )
    assert what_goes(found, Rows({SHOP: of_shop(is_busy=True)}, deleted=("shop",)), is_scarce=True) == []


def test_of_an_image_its_source_is_not_needed_any_more() -> None:
    found = Found(homes=(FoundHome("shop", "production", 1, {4: 30}),))
    assert what_goes(found, Rows({SHOP: of_shop(Runtime.DOCKER)})) == [(Kind.RELEASE, "shop #4")]


def test_all_goes_of_an_app_that_was_deleted() -> None:
    found = Found(
        homes=(FoundHome("shop", "production", HOUR + 1, {1: 10}, 5, 7),),
        programs=("bakery-shop-production-green",),
        sites=("shop-production",),
        images=(FoundImage("shop", 3, 100),),
    )
    assert [(one.kind, one.bytes) for one in left_over(found, Rows(deleted=("shop",)))] == [
        (Kind.PROGRAM, 0),
        (Kind.SITE, 0),
        (Kind.HOME, 22),
        (Kind.IMAGE, 100),
    ]


def test_what_bears_a_name_of_which_bakery_knows_nothing_stays() -> None:
    found = Found(
        homes=(FoundHome("blog", "production", DAY, {1: 10}),),
        programs=("bakery-blog-production-green",),
        containers=("bakery-blog-production-blue",),
        sites=("blog-production",),
        images=(FoundImage("blog", 3, 100),),
    )
    assert what_goes(found, Rows({SHOP: of_shop()}, deleted=("wiki",)), is_scarce=True) == []


def test_of_which_apps_it_counts_whether_they_were_deleted() -> None:
    found = Found(
        homes=(FoundHome("shop", "production"), FoundHome("a", "production")),
        programs=("bakery-shop-staging-green", "bakery-b-production-green-worker"),
        containers=("bakery-c-production-blue", "nobodys"),
        sites=("shop-production", "d-d-staging"),
        images=(FoundImage("shop", 3, 1), FoundImage("e", 4, 1)),
    )
    assert strangers(found, [SHOP]) == {"a", "b", "c", "d-d", "e", "shop"}
    assert strangers(found, [SHOP, ("shop", "staging")]) == {"a", "b", "c", "d-d", "e"}


def test_a_folder_that_was_changed_just_now_stays() -> None:
    found = Found(homes=(FoundHome("shop", "production", HOUR - 1),))
    assert what_goes(found, Rows(deleted=("shop",))) == []


def test_an_image_stays_while_a_release_needs_it() -> None:
    found = Found(images=(FoundImage("shop", 3, 100), FoundImage("shop", 4, 100)))
    assert what_goes(found, Rows({SHOP: of_shop()}, builds=(4,))) == [(Kind.IMAGE, "bakery/shop:3")]


def test_what_only_saves_time_goes_when_it_is_much_or_the_disk_is_nearly_full() -> None:
    home = FoundHome("shop", "production", 1, {}, MOST_OF_TOOLS, MOST_OF_SOURCE)
    found = Found(homes=(home,), build_cache=BuildCache(2 * 1024**3, is_ours=True), nameless=9)
    rows = Rows({SHOP: of_shop()})
    assert what_goes(found, rows) == [(Kind.NAMELESS_IMAGES, "images")]
    assert [(one.kind, one.bytes) for one in left_over(found, rows, is_scarce=True)] == [
        (Kind.TOOLS, MOST_OF_TOOLS),
        (Kind.SOURCE, MOST_OF_SOURCE),
        (Kind.NAMELESS_IMAGES, 9),
        (Kind.BUILD_CACHE, 1024**3),
    ]


def test_what_was_fetched_goes_when_it_is_more_than_a_fetch_leaves() -> None:
    found = Found(homes=(FoundHome("shop", "production", 1, {}, 0, MOST_OF_SOURCE + 1),))
    assert what_goes(found, Rows({SHOP: of_shop()})) == [(Kind.SOURCE, "shop")]


def test_what_docker_keeps_of_builds_stays_where_others_have_images() -> None:
    found = Found(build_cache=BuildCache(2**50, is_ours=False))
    assert what_goes(found, Rows(), is_scarce=True) == []


def test_an_upload_stays_for_an_hour_and_while_a_deployment_waits_for_it() -> None:
    uploads = (FoundUpload(ARCHIVE, 5, HOUR + 1), FoundUpload(f"{'b' * 32}.tar.gz", 5, HOUR - 1))
    assert what_goes(Found(uploads=uploads), Rows()) == [(Kind.UPLOAD, ARCHIVE)]
    assert what_goes(Found(uploads=uploads), Rows(archives=(ARCHIVE,))) == []


def test_a_job_goes_with_its_deployment_or_a_day_after_its_end_when_nobody_knows_it() -> None:
    jobs = (FoundJob(KEY, JobState.RUNNING, 1), FoundJob(OTHER, JobState.EXITED, DAY + 1))
    assert what_goes(Found(jobs=jobs), Rows(over=(KEY,))) == [(Kind.JOB, KEY), (Kind.JOB, OTHER)]
    assert what_goes(Found(jobs=jobs), Rows(jobs=(KEY, OTHER))) == []
    assert what_goes(Found(jobs=(FoundJob(KEY, JobState.RUNNING, DAY + 1),)), Rows()) == []
