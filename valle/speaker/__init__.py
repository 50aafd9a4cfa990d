"""Who is speaking: speaker encoders, their training losses, and verification.

Deep Speaker (Li et al. 2017) and ECAPA-TDNN (Desplanques et al. 2020), trained by
`valle train speaker`; published encoders behind the same protocol; `valle evaluate speaker`
measures them all on the same trials.
"""
