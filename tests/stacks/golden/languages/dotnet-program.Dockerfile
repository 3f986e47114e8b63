# Written by Bakery from csharp-cli.csproj. Yours to keep: put it into the repository as Dockerfile.
FROM mcr.microsoft.com/dotnet/sdk:6.0 AS build
WORKDIR /app
# Before the sources: fetched anew only when these files change.
COPY csharp-cli.csproj ./
RUN --mount=type=cache,target=/root/.nuget/packages \
    dotnet restore csharp-cli.csproj
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.nuget/packages \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; dotnet publish csharp-cli.csproj --configuration Release --output out

FROM mcr.microsoft.com/dotnet/runtime:6.0
WORKDIR /app
RUN useradd --create-home app
COPY --from=build --chown=app:app /app/out out/
USER app
CMD ["dotnet", "out/csharp-cli.dll"]
