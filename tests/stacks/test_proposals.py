"""Variables that an app will need, by name, from what its files say."""

from bakery.stacks.plan import ProposedVariable
from tests.stacks.trees import plan_of

PACKAGE = '{"main": "server.js", "dependencies": {"pg": "8", "ioredis": "5"}}'


def test_the_example_comes_first_then_dependencies_then_code() -> None:
    plan = plan_of(
        {
            "package.json": PACKAGE,
            ".env.example": "# secrets\nexport STRIPE_KEY=sk_live_no\nDATABASE_URL=x\nPORT=1\nBAKERY_X=1\n1A=2\nno\n",
            "server.js": "",
            "vite.config.js": 'x = process.env.API_URL + process.env["NODE_ENV"] + env("SMTP_HOST")\n',
        }
    )
    assert plan.variables == (
        ProposedVariable(plan.variables[0].name, ".env.example names it."),
        ProposedVariable(plan.variables[1].name, ".env.example names it."),
        ProposedVariable(plan.variables[2].name, "package.json needs ioredis, a client of Redis."),
        ProposedVariable(plan.variables[3].name, "vite.config.js reads it."),
        ProposedVariable(plan.variables[4].name, "vite.config.js reads it."),
    )
    assert [one.name for one in plan.variables] == ["STRIPE_KEY", "DATABASE_URL", "REDIS_URL", "API_URL", "SMTP_HOST"]


def test_no_value_is_in_the_answer() -> None:
    plan = plan_of({"package.json": PACKAGE, "server.js": "", ".env.example": "KEY=sk_live_abc\n"})
    assert "sk_live_abc" not in repr(plan)
