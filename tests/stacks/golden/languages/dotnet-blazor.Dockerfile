# Written by Bakery from Site.csproj. Yours to keep: put it into the repository as Dockerfile.
FROM mcr.microsoft.com/dotnet/sdk:8.0 AS build
WORKDIR /app
# Before the sources: fetched anew only when these files change.
COPY Site.csproj ./
RUN --mount=type=cache,target=/root/.nuget/packages \
    dotnet restore Site.csproj
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.nuget/packages \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; dotnet publish Site.csproj --configuration Release --output out

# Files alone, which nginx hands out: docker build --output FOLDER .
FROM scratch
COPY --from=build ["/app/out/wwwroot/", "/"]
