"""What is heard and read of speech before any model of ours: filterbanks, words, pauses."""
