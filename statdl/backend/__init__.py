"""Arrays, special functions and linear algebra. No statistics live here."""
