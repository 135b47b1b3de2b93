"""The built-in demo data of the translation plugin: English and Chinese sentences and the script that writes them."""
