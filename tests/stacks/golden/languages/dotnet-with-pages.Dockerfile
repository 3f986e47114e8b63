# Written by Bakery from Shop.csproj. Yours to keep: put it into the repository as Dockerfile.
FROM mcr.microsoft.com/dotnet/sdk:8.0 AS build
WORKDIR /app
# The build calls npm.
COPY --from=node:24-slim /usr/local/bin/ /usr/local/bin/
COPY --from=node:24-slim /usr/local/lib/node_modules/ /usr/local/lib/node_modules/
# Before the sources: fetched anew only when these files change.
COPY Shop.csproj ./
RUN --mount=type=cache,target=/root/.nuget/packages \
    dotnet restore Shop.csproj
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.nuget/packages \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; dotnet publish Shop.csproj --configuration Release --output out

FROM mcr.microsoft.com/dotnet/aspnet:8.0
WORKDIR /app
COPY --from=build --chown=app:app /app/out out/
ENV HOST=0.0.0.0 PORT=8080
USER app
EXPOSE 8080
CMD ["sh", "-c", "export ASPNETCORE_URLS=\"http://${HOST:-127.0.0.1}:${PORT:-8080}\"; exec dotnet out/Shop.dll"]
