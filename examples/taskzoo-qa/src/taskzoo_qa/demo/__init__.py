"""The demo sets: short invented biographies with questions, in English and (``zh``) Chinese, and their script."""
