# Written by Bakery from src/Web/Web.csproj. Yours to keep: put it into the repository as Dockerfile.
FROM mcr.microsoft.com/dotnet/sdk:9.0 AS build
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.nuget/packages \
    dotnet restore src/Web/Web.csproj
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.nuget/packages \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; dotnet publish src/Web/Web.csproj --configuration Release --output out

FROM build AS test
RUN --mount=type=cache,target=/root/.nuget/packages \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; dotnet test

FROM mcr.microsoft.com/dotnet/aspnet:9.0
WORKDIR /app
COPY --from=build --chown=app:app /app/out out/
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["sh", "-c", "export ASPNETCORE_URLS=\"http://${HOST:-127.0.0.1}:${PORT:-8080}\"; exec dotnet out/Web.dll"]
