"""The main job on the image that scikit-image carries."""
