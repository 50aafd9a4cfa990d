"""Reading aloud: books and subtitles in, one resumable run, chapters and timings out."""
