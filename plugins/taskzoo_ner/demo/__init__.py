"""The built-in demo data of the NER plugin: three CoNLL files and the script that writes them."""
