"""What each template is given: frozen data, made by the web layer, shown by the templates."""
