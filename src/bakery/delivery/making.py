"""From a source to something that can be started: fetching, detecting, building. What takes long is a durable job."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec
from psycopg.types.json import Jsonb

from bakery.commands.command import Command
from bakery.delivery import volumes
from bakery.delivery.detecting import detect_in_time
from bakery.delivery.git_rows import note_commit, read_fetch
from bakery.delivery.image_choice import choose_port, expect_platform, recipe_of_image, told_digest
from bakery.delivery.image_rows import WantedImage, live_image, note_digest, read_pull
from bakery.delivery.last_words import headline, last_line
from bakery.delivery.limits import build_limits, hint_of_starved_job
from bakery.delivery.planned import (
    BuildImage,
    Copy,
    Detect,
    Fetch,
    Make,
    Nothing,
    Pull,
    RunCommand,
    Skipped,
    StepKey,
    Unknown,
    Unpack,
)
from bakery.delivery.premises import Release
from bakery.delivery.recipe import Recipe, recipe_of, recipe_of_files
from bakery.delivery.room import expect_room
from bakery.delivery.step_jobs import Begin, begin_anew, run_step_job
from bakery.delivery.steps import retitle_steps
from bakery.delivery.variable_sets import build_variables
from bakery.delivery.work import StepFailed, Work
from bakery.model.errors import BadInput, Conflict
from bakery.model.faults import Point, fault_point
from bakery.model.repository_paths import joined
from bakery.model.runtimes import Runtime
from bakery.model.secret import Secret
from bakery.model.unit import Limits
from bakery.nodes.git_sources import why_not_fetched
from bakery.nodes.images import ImageBuild, ImagePull
from bakery.nodes.jobs import JobKey, JobLimits, JobSpec, JobState, JobStatus
from bakery.stacks.bakery_toml import FILE as BAKERY_TOML
from bakery.stacks.plan import Undetected
from bakery.store.transaction import Transaction

_LOG_BYTES = 64 * 1024 * 1024
# What these did is seldom harmless a second time, so nobody but a person begins them again.
_ONCE = {StepKey.RELEASE, StepKey.BEFORE, StepKey.AFTER}


async def make(work: Work, key: StepKey, action: Make) -> None:
    await expect_room(work, action)
    match action:
        case Fetch():
            await _fetch(work, key, action)
        case Unpack():
            await _unpack(work, action)
        case Copy():
            await _copy(work, action)
        case Pull():
            await _pull(work, key, action)
        case Detect():
            await _detect(work, action)
        case BuildImage():
            await _build_image(work, key, action)
        case RunCommand():
            await _run_command(work, key, action)
        case Nothing() | Skipped() | Unknown():
            raise LookupError(f"nothing decided what {key} is to do")


async def _fetch(work: Work, key: StepKey, fetching: Fetch) -> None:
    sources = work.node.sources
    wanted = await read_fetch(work.store, work.deployment.release.id)
    status = await _end_of_job(work, key, lambda job: sources.fetching(job, wanted, _limits(work)), what="The fetch")
    if status.state is not JobState.EXITED or status.exit_status != 0:
        message, hint = why_not_fetched(status)
        raise StepFailed(message, hint=hint)
    commit = await sources.look(fetching.place, fetching.number)
    work.log.write(f"{commit.commit[:7]} {commit.title}, by {commit.author}.")
    await note_commit(work.store, work.deployment.release.build, commit)
    await _tell_of_unread_settings(work)


async def _tell_of_unread_settings(work: Work) -> None:
    """A process whose start command was set by hand runs as it is: nobody looks into its source."""
    release = work.deployment.release
    if release.is_built:
        return
    place = work.deployment.environment.premises(work.node).place
    path = joined(release.source_base, BAKERY_TOML)
    if path in (await work.node.trees.names(place, release.number)).sizes:
        work.log.write(f"{path} does not count, as the start command was set by hand.")


async def _pull(work: Work, key: StepKey, pulling: Pull) -> None:
    """Which image the name means is written down before it comes, so that this release is always that one."""
    images, release = work.node.images, work.deployment.release
    wanted = await read_pull(work.store, release.id)
    try:
        digest = wanted.digest or await _resolve(work, wanted)
        exact = wanted.image.pinned(digest)
        work.log.write(f"$ docker pull {exact.exact}")

        def begin(job: JobKey) -> Command:
            return images.pulling(
                ImagePull(job, pulling.place, pulling.build, exact.exact, wanted.login, limits=_limits(work))
            )

        status = await _end_of_job(work, key, begin, what="The pull")
        if status.state is not JobState.EXITED or status.exit_status != 0:
            message, hint = why_not_fetched(status, what="The pull")
            raise StepFailed(message, hint=hint)
        facts = await images.look(pulling.place.app, pulling.build)
        port = choose_port(pulling.image, wanted.said_port, facts.ports, pulling.place.app)
    except BadInput as error:
        raise StepFailed(error.message, hint=error.hint) from error
    work.log.write(f"In its container it is to listen on port {port}.")
    async with work.store.transaction() as tx:
        await _keep(tx, work, recipe_of_image(exact, port))
    await work.plan_anew()


async def _resolve(work: Work, wanted: WantedImage) -> str:
    release = work.deployment.release
    found = await work.node.images.resolve(wanted.image.exact, wanted.login)
    expect_platform(wanted.image.exact, found.platforms, found.machine)
    async with work.store.connection() as connection:
        live = await live_image(connection, work.deployment.environment.id)
    same = live.number if live is not None and live.digest == found.digest else None
    work.log.write(told_digest(wanted.image, found.digest, live=same))
    await note_digest(work.store, release.build, found.digest)
    return found.digest


async def _unpack(work: Work, unpack: Unpack) -> None:
    homes = work.node.homes
    said = await homes.unpack(unpack.place, unpack.number, unpack.archive, for_visitors=unpack.for_visitors)
    work.log.write(said)
    await _tell_of_unread_settings(work)


async def _copy(work: Work, copy: Copy) -> None:
    await work.node.homes.copy_release(copy.place, copy.number, copy.earlier)
    work.log.write("Nothing is built: the files are the same, the variables are today's.")


async def _detect(work: Work, detecting: Detect) -> None:
    """What it is decides the steps that follow, and is kept with the build."""
    base = work.deployment.release.source_base
    tree = await work.node.trees.tree(detecting.place, detecting.number, base)
    found = detect_in_time(tree, base=base, runtime=detecting.runtime)
    if isinstance(found, Undetected):
        if detecting.runtime is not Runtime.STATIC:
            raise StepFailed(found.message, hint=found.hint)
        recipe = recipe_of_files(base, found.message)
    elif found.missing:
        raise StepFailed(found.missing[0], hint="Say it in bakery.toml, and deploy again.")
    else:
        recipe = recipe_of(found)
    for sentence in recipe.why:
        work.log.write(sentence)
    _tell_what_does_not_count(work.deployment.release, recipe, work.log.write)
    try:
        work.plan_with(recipe)
    except Conflict as error:
        raise StepFailed(error.message, hint=error.hint) from error
    async with work.store.transaction() as tx:
        await _keep(tx, work, recipe)
        await retitle_steps(tx, work.deployment.id, work.plan.steps)


def _tell_what_does_not_count(release: Release, recipe: Recipe, write: Callable[[str], None]) -> None:
    """Of what was found, or stands in bakery.toml."""
    if recipe.start and release.said_command not in ((), recipe.start):
        write(f"The start command that was set by hand counts, and not: {shlex.join(recipe.start)}")
    hooks = {"release": recipe.release, "before": recipe.before, "after": recipe.after}
    if release.runtime is Runtime.STATIC and any(hooks.values()):
        names = ", ".join(name for name, argv in hooks.items() if argv)
        write(f"Nothing runs where files are served: {names} of [run] does not count.")


async def _build_image(work: Work, key: StepKey, building: BuildImage) -> None:
    """An image that is there takes the place of the source, which goes; files are put into it."""
    images = work.node.images
    folder = work.deployment.environment.premises(work.node).release_folder(building.number)
    recipe = building.recipe
    variables = await build_variables(work.store, work.deployment.environment.id, work.deployment.release.id)

    def begin(job: JobKey) -> Command:
        return images.building(
            ImageBuild(
                key=job,
                place=building.place,
                build=building.build,
                folder=folder / recipe.folder,
                dockerfile=recipe.dockerfile,
                dockerfile_text=recipe.dockerfile_text,
                args=dict(recipe.build_args),
                secrets={"variables": lines_for_a_shell(variables)} if variables else {},
                target=building.target,
                output=building.output,
                limits=_limits(work),
            )
        )

    await _run_job(work, key, begin, what="The tests" if building.target else "The build", limits=_share(work))
    if building.target is None and building.output is None:
        await work.node.homes.remove_release(building.place, building.number)


async def _run_command(work: Work, key: StepKey, running: RunCommand) -> None:
    """With the variables of the build, until something is built."""
    release = work.deployment.release
    if key not in _ONCE:
        release = replace(
            release, variables=await build_variables(work.store, work.deployment.environment.id, release.id)
        )
    else:
        await volumes.ensure(work)
    work.log.write(f"$ {shlex.join(running.argv)}")
    commanding = _in_image if release.runtime is Runtime.DOCKER else _in_folder
    limits = (release.limits if key in _ONCE else Limits()).over(_share(work))
    begin = commanding(work, release, running.argv, limits)
    await _run_job(work, key, begin, what=running.what, limits=limits, argv=running.argv)


def _in_folder(work: Work, release: Release, argv: tuple[str, ...], limits: Limits) -> Begin:
    """The app's own, as the account that it will run as."""
    premises = work.deployment.environment.premises(work.node)
    cache = work.node.folders.cache(premises.app, premises.environment)

    def begin(job: JobKey) -> Command:
        spec = JobSpec(
            key=job,
            argv=("/usr/bin/env", "--", *argv),
            account=premises.job_account,
            folder=premises.release_folder(release.number) / release.base,
            environment={"HOME": Secret(str(cache)), **premises.process_variables(release)},
            limits=replace(_limits(work), memory_bytes=limits.memory_bytes, cpu_percent=limits.cpu_percent),
        )
        return work.node.jobs.starting(spec)

    return begin


def _in_image(work: Work, release: Release, argv: tuple[str, ...], limits: Limits) -> Begin:
    premises = work.deployment.environment.premises(work.node)

    def begin(job: JobKey) -> Command:
        spec = replace(premises.describe_once(release, job, argv), limits=limits)
        return work.node.containers.running_once(job, premises.place, spec, _limits(work))

    return begin


async def _run_job(
    work: Work, key: StepKey, begin: Begin, *, what: str, limits: Limits, argv: tuple[str, ...] = ()
) -> None:
    status = await _end_of_job(work, key, begin, what=what)
    if status.state is not JobState.EXITED or status.exit_status != 0:
        await work.log.flush()
        said = await last_line(work.store, work.deployment.log_stream)
        starved = hint_of_starved_job(status.reason, limits, _share(work), work.deployment.environment.app)
        raise StepFailed(headline(what, _end(status, work.patience.job), argv, said), hint=starved or "")


async def _end_of_job(work: Work, key: StepKey, begin: Begin, *, what: str) -> JobStatus:
    """One that the node lost, as by a reboot, is begun once more where that is harmless."""
    status = await run_step_job(work.store, work.node.jobs, work.log, work.deployment.id, key, begin)
    if status.state is JobState.LOST and key not in _ONCE:
        await begin_anew(work.store, work.node.jobs, work.deployment.id, key)
        work.log.write(f"{what} was interrupted on the node ({status.reason}), and begins again.")
        status = await run_step_job(work.store, work.node.jobs, work.log, work.deployment.id, key, begin)
    await fault_point(Point.JOB_ENDED)
    return status


def _end(status: JobStatus, seconds: int) -> str:
    match status.state:
        case JobState.EXITED:
            return status.reason.rstrip(".") or "failed"
        case JobState.TIMED_OUT:
            return f"did not end within {seconds} s"
        case JobState.CANCELLED:
            return "was ended from outside"
        case _:
            return f"was lost on its node: {status.reason}"


def lines_for_a_shell(variables: Mapping[str, Secret]) -> Secret:
    """`NAME='value'`, a line each, as the secret `variables` of a build is written."""
    return Secret("".join(f"{name}={shlex.quote(value.reveal())}\n" for name, value in variables.items()))


def _limits(work: Work) -> JobLimits:
    """The node's apps answer while something is built there."""
    share = _share(work)
    return JobLimits(
        seconds=work.patience.job,
        memory_bytes=share.memory_bytes,
        cpu_percent=share.cpu_percent,
        log_bytes=_LOG_BYTES,
    )


def _share(work: Work) -> Limits:
    return build_limits(memory_bytes=work.node.facts.memory_bytes, cpus=work.node.facts.cpus)


async def _keep(tx: Transaction, work: Work, recipe: Recipe) -> None:
    await tx.connection.execute(
        "UPDATE builds SET recipe = %s WHERE id = %s",
        (Jsonb(msgspec.to_builtins(recipe)), work.deployment.release.build),
    )
