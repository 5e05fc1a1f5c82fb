//! What a Moodlight model means and how it runs.
