"""What German, French and Spanish say for symbols, points and times."""
from __future__ import annotations

FOREIGN_SYMBOLS = {
    "de": {"&": "und", "%": "Prozent", "+": "plus", "=": "gleich", "@": "ät", "€": "Euro",
           "$": "Dollar", "£": "Pfund", "°C": "Grad Celsius", "°": "Grad", "/": "Schrägstrich",
           "#": "Raute"},
    "fr": {"&": "et", "%": "pour cent", "+": "plus", "=": "égale", "@": "arobase", "€": "euros",
           "$": "dollars", "£": "livres", "°C": "degrés Celsius", "°": "degrés",
           "/": "barre oblique", "#": "dièse"},
    "es": {"&": "y", "%": "por ciento", "+": "más", "=": "igual a", "@": "arroba", "€": "euros",
           "$": "dólares", "£": "libras", "°C": "grados Celsius", "°": "grados", "/": "barra",
           "#": "almohadilla"},
}
FOREIGN_POINT = {"de": "Komma", "fr": "virgule", "es": "coma", "it": "virgola", "pt": "vírgula",
                 "nl": "komma", "sv": "komma", "da": "komma", "no": "komma"}
FOREIGN_TIME = {"de": " Uhr ", "fr": " heures ", "es": " y "}
GERMAN_MONTHS = ("Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|"
                 "November|Dezember")
