# Written by Bakery from index.php. Yours to keep: put it into the repository as Dockerfile.
FROM php:8.4-apache
WORKDIR /app
RUN docker-php-ext-install mysqli
# Apache serves the app's pages, and listens where it is told.
RUN sed -ri 's!DocumentRoot .*!DocumentRoot /app!; s!:80>!:${PORT}>!' /etc/apache2/sites-available/*.conf \
    && sed -ri 's!/var/www/!/app/!' /etc/apache2/apache2.conf /etc/apache2/conf-available/*.conf \
    && sed -ri 's!^Listen 80$!Listen ${PORT}!' /etc/apache2/ports.conf \
    && a2enmod rewrite
RUN mv "$PHP_INI_DIR/php.ini-production" "$PHP_INI_DIR/php.ini"
COPY --chown=www-data:www-data . .
ENV HOST=0.0.0.0 PORT=8080
USER www-data
EXPOSE 8080
CMD ["apache2-foreground"]
