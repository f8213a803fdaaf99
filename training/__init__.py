"""The reader's training: data -> a fine-tuned MiniLM -> rag/weights. Never imported by the product."""
