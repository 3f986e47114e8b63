# Written by Bakery from composer.json and composer.lock. Yours to keep: put it into the repository as Dockerfile.
FROM php:8.4-apache AS base
WORKDIR /app
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libfreetype-dev libjpeg-dev libpng-dev libpq-dev \
    && rm -rf /var/lib/apt/lists/*
RUN docker-php-ext-configure gd --with-freetype --with-jpeg
RUN docker-php-ext-install gd pdo_pgsql
# Apache serves the app's pages, and listens where it is told.
RUN sed -ri 's!DocumentRoot .*!DocumentRoot /app/public\n\tFallbackResource /index.php!; s!:80>!:${PORT}>!' /etc/apache2/sites-available/*.conf \
    && sed -ri 's!/var/www/!/app/!' /etc/apache2/apache2.conf /etc/apache2/conf-available/*.conf \
    && sed -ri 's!^Listen 80$!Listen ${PORT}!' /etc/apache2/ports.conf \
    && a2enmod rewrite

FROM node:24-slim AS assets
WORKDIR /app
COPY . .
# Variables for the build are mounted here, and in no layer.
RUN --mount=type=cache,target=/root/.npm \
    --mount=type=secret,id=variables \
    set -a; if [ -f /run/secrets/variables ]; then . /run/secrets/variables; fi; set +a; npm ci && npm run build

FROM base AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git unzip \
    && rm -rf /var/lib/apt/lists/*
COPY --from=composer:2 /usr/bin/composer /usr/local/bin/composer
ENV COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_CACHE_DIR=/tmp/cache
# Before the sources: fetched anew only when these files change.
COPY composer.json composer.lock ./
RUN --mount=type=cache,target=/tmp/cache \
    composer install --no-dev --no-interaction --no-scripts --no-autoloader
COPY . .
RUN --mount=type=cache,target=/tmp/cache \
    composer install --no-dev --no-interaction --optimize-autoloader
COPY --from=assets /app/public ./public

FROM base
RUN mv "$PHP_INI_DIR/php.ini-production" "$PHP_INI_DIR/php.ini"
COPY --from=build --chown=www-data:www-data /app ./
ENV LOG_CHANNEL=stderr HOST=0.0.0.0 PORT=8080
USER www-data
EXPOSE 8080
CMD ["apache2-foreground"]
