"""The likelihood: families on η, predictors that produce η, penalties, and their sum."""
