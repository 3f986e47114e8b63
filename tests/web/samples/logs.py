"""A sample of the log viewer."""

from bakery.store.logs import Line
from bakery.web.presenters.log_pages import log_rows
from bakery.web.views.figures import Range
from bakery.web.views.logs import AppLogPage, DeploymentLogPage, LogViewer
from bakery.web.views.shell import Tab
from bakery.web.views.status import deployment_status
from tests.web.samples.frame import Pages, a_shell, below


def log_pages() -> Pages:
    page = DeploymentLogPage(100, "shop", 44, deployment_status("running"), "Round totals half to even", a_log())
    tabs = [Tab("Overview", below("/apps/shop"), current=False), Tab("Logs", below("/apps/shop/logs"), current=True)]
    choices = [Range("All slots", below("/"), current=True), Range("Blue", below("/"), current=False)]
    shell = a_shell("shop", "Apps", "shop", "Logs")
    return {
        "log": ("logs/deployment.html", page, a_shell("shop", "Apps", "shop", "Deployments", "#44", "Log")),
        "app-log": ("logs/app.html", AppLogPage("shop", tabs, choices, a_log()), shell),
        "app-log-none": ("logs/app.html", AppLogPage("shop", tabs, (), None), shell),
    }


def a_log() -> LogViewer:
    raw = below("/apps/shop/deployments/44/log.txt")
    lines = [Line(number, b"\x1b[32mok\x1b[0m %d cart, case %d" % (number, number % 7)) for number in range(971, 1001)]
    return LogViewer(
        stream="17",
        name="shop #44",
        topic="deployment:100",
        is_growing=True,
        lines=1000,
        to=24_000,
        first=971,
        last=log_rows(lines, raw),
        lines_url=below("/apps/shop/deployments/44/log/lines"),
        times_url=below("/apps/shop/deployments/44/log/times"),
        search_url=below("/apps/shop/deployments/44/log/search"),
        raw_url=raw,
        file_name="shop-44.log",
    )
